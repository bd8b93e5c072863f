using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.RabbitMq.Calls;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Streaming;

/// <summary>Sorts what workers send of answers in pieces to the calls that wait for them. Runs on the connection's receiving loop: nothing here waits.</summary>
internal sealed class AnswerPieces(CallTable calls, AnswerSources sources, ILogger<AnswerPieces> logger)
{
    /// <summary>A head or a piece.</summary>
    public void Hear(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        try
        {
            if (Source(properties) is not { } source)
            {
                return;
            }

            var sequence = StreamCodec.Sequence(properties);
            if (calls.Find(properties.CorrelationId) is not { } call)
            {
                // Its caller has gone.
                source.Refuse(ErrorCode.CallerLeft);
                return;
            }

            var answer = sequence == 0 ? call.Begin(source) : call.Answer;
            if (answer is not null && !source.Equals(answer.Source))
            {
                // A call whose acknowledgement was lost ran twice; the caller gets the answer that began first.
                answer = null;
            }

            InvocationReply? head = null;
            if (sequence == 0 && (!ReplyCodec.TryRead(properties, body, out head, out var problem) || head.Result is null))
            {
                Log.ReplyMalformed(logger, problem ?? "It has no result.");
                head = null;
            }

            if (answer is null)
            {
                source.Refuse(ErrorCode.CallerLeft);
            }
            else if (!answer.TryTake(sequence, head is null ? null : head with { Result = head.Result! with { Body = default } }, head?.Result?.Body ?? body.ToArray()))
            {
                Log.AnswerBroken(logger, call.Message.InvocationId, sequence, answer.Count);
                call.Fail(ErrorCode.BrokerUnavailable);
            }
        }
        catch (FormatException exception)
        {
            Log.ReplyMalformed(logger, exception.Message);
        }
    }

    /// <summary>A worker waits for credit, and may wait for what was lost.</summary>
    public void HearWaiting(IReadOnlyBasicProperties properties)
    {
        if (Source(properties) is not { } source)
        {
            return;
        }

        if (calls.Find(properties.CorrelationId)?.Answer is { } answer && source.Equals(answer.Source))
        {
            answer.Repeat();
        }
        else
        {
            source.Refuse(ErrorCode.CallerLeft);
        }
    }

    /// <summary>Whether a reply ends the answer that has come, and nothing of that is missing.</summary>
    public bool IsWhole(PendingCall call, IReadOnlyBasicProperties properties) => (Source(properties), call.Answer) switch
    {
        (null, null) => true,
        ({ } source, { } answer) => source.Equals(answer.Source) && StreamCodec.Sequence(properties) == answer.Count,
        _ => false,
    };

    private AnswerSources.Source? Source(IReadOnlyBasicProperties properties) =>
        StreamCodec.Stream(properties) is { } stream && properties.AppId is { Length: > 0 } workerId ? sources.Of(workerId, stream) : null;
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>Callers that wait for an answer.</summary>
internal sealed class WaitingCalls(string nodeId, TimeProvider time)
{
    /// <summary>A run that begins just before the deadline says so, or answers, within this.</summary>
    private static readonly TimeSpan StartGrace = TimeSpan.FromMilliseconds(500);

    /// <summary>For the record's commit and the way back.</summary>
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<InvocationMessage, WaitingCall> calls = new(ReferenceEqualityComparer.Instance);

    /// <summary>Queues a call and waits for its end.</summary>
    public async Task<CallOutcome> WaitAsync(
        InvocationMessage message, Action<InvocationMessage> queue, TimeSpan runLimit, IAnswerSink? sink, int window, CancellationToken cancellationToken)
    {
        var patience = message.Deadline - time.GetUtcNow();
        if (patience <= TimeSpan.Zero)
        {
            return new CallOutcome { Error = ErrorCode.WaitTimeout };
        }

        // The queue may outlive the caller and the caller's buffer.
        var kept = message with { Body = message.Body.ToArray() };
        var call = new WaitingCall(sink, window, cancellationToken);
        calls[kept] = call;
        try
        {
            queue(kept);
            await EndAsync(call, patience, runLimit, cancellationToken);
            return await call.FinishAsync();
        }
        finally
        {
            calls.TryRemove(kept, out _);
        }
    }

    /// <summary>Says that a call runs.</summary>
    public void Started(InvocationMessage? message)
    {
        if (message is not null && calls.TryGetValue(message, out var call))
        {
            call.Progress.TrySetResult();
        }
    }

    /// <summary>Takes a piece of an answer; false if nobody waits for it any more.</summary>
    public bool Take(InvocationMessage? message, InProcessAnswerStream stream, long sequence, InvocationReply? head, ReadOnlyMemory<byte> piece)
    {
        if (message is null || !calls.TryGetValue(message, out var call))
        {
            return false;
        }

        call.Progress.TrySetResult();
        return (sequence == 0 ? call.Begin(stream) : call.Answer) is { } answer && answer.Source == stream && answer.TryTake(sequence, head, piece);
    }

    /// <summary>Answers a call.</summary>
    public void Answer(InvocationMessage? message, InvocationReply reply, InProcessAnswerStream? stream)
    {
        if (message?.InvocationId != reply.InvocationId || !calls.TryGetValue(message, out var call))
        {
            return;
        }

        // With an error it is not whole anyway. A second run of the same call must not end the answer of the first.
        var isWhole = reply.Error is not null || (call.Answer is { } answer ? answer.Source == stream && answer.Count == stream.Count : stream is not { Count: > 0 });
        call.TryEnd(isWhole ? new CallOutcome { Reply = reply, StartedOn = nodeId } : new CallOutcome { Error = ErrorCode.Internal, StartedOn = nodeId });
    }

    // Started or answered: from then on the run has its own limit.
    private async Task EndAsync(WaitingCall call, TimeSpan patience, TimeSpan runLimit, CancellationToken cancellationToken)
    {
        if (await WithinAsync(call.Progress.Task, patience + StartGrace, cancellationToken) is { } unstarted)
        {
            call.TryEnd(new CallOutcome { Error = unstarted });
        }
        else if (await WithinAsync(call.End, runLimit + ReplyGrace, cancellationToken) is { } unanswered)
        {
            call.TryEnd(new CallOutcome { Error = unanswered, StartedOn = nodeId });
        }
    }

    /// <summary>Null if the task ended in time, else why not.</summary>
    private async Task<ErrorCode?> WithinAsync(Task task, TimeSpan atMost, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(atMost, time, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            return ErrorCode.WaitTimeout;
        }
        catch (OperationCanceledException)
        {
            return ErrorCode.Cancelled;
        }
    }
}

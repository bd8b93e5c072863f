using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Wire;
using FaasCluster.Messaging.Streaming;

namespace FaasCluster.Messaging.RabbitMq.Streaming;

/// <summary>
/// One answer in pieces. All of it goes over one channel, because a broker keeps the order of a channel only; with the channel the
/// answer is lost.
/// </summary>
internal sealed class RabbitMqAnswerStream(AnswerStreams owner, long number, Incoming incoming, Action<ErrorCode> onRefused) : IAnswerStream
{
    private readonly AnswerCredit credit = new(incoming.StreamWindow);
    private readonly FirstRefusal refusal = new();
    private LiveChannel? channel;
    private long sequence;
    private bool isBroken;

    public long Number => number;

    /// <summary>True once the head was sent: the reply says how many messages there were.</summary>
    public bool HasStarted => sequence > 0;

    private string CorrelationId => incoming.CorrelationId ?? "";

    public async ValueTask StartAsync(InvocationReply head, CancellationToken cancellationToken)
    {
        channel = await owner.WhenThereIsAChannelAsync(cancellationToken);
        if (channel is null)
        {
            Break(ErrorCode.CallerLeft);
            throw new OperationCanceledException("There is no connection for the answer.", cancellationToken);
        }

        var body = head.Result!.Body;
        var first = body[..Math.Min(body.Length, AnswerWindow.PieceBytes)];
        await SendAsync(WriteHead(head with { Result = head.Result with { Body = first } }), first.Length, cancellationToken);
        await WriteAsync(body[first.Length..], cancellationToken);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, AnswerWindow.PieceBytes)];
            await SendAsync(StreamCodec.WritePiece(piece, owner.WorkerId, CorrelationId, number, sequence), piece.Length, cancellationToken);
            bytes = bytes[piece.Length..];
        }
    }

    /// <summary>The message that ends it; false if the channel is gone, so that it does not come behind the pieces.</summary>
    public async ValueTask<bool> TryEndAsync(InvocationReply reply) =>
        channel is not null && await PlainPublisher.PublishAsync(channel, "", incoming.ReplyTo!, mandatory: false, WriteEnd(reply), CancellationToken.None);

    public Outgoing WriteEnd(InvocationReply reply) => StreamCodec.WriteEnd(Sign(reply), CorrelationId, number, sequence);

    public void Consume(long total) => credit.Consume(total);

    /// <summary>Nobody takes it any more. Does not wait for the kill.</summary>
    public void Refuse(ErrorCode why)
    {
        _ = refusal.Settle(why);
        _ = Task.Run(() => Break(why));
    }

    public void Dispose() => owner.Forget(this);

    private async ValueTask SendAsync(Outgoing outgoing, int length, CancellationToken cancellationToken)
    {
        var cost = AnswerWindow.CostOf(length);
        while (!credit.TryTake(cost, out var change))
        {
            try
            {
                await change.WaitAsync(owner.AskInterval, owner.Time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // A lost credit is told again, and a gateway that has gone is found out.
                await PublishAsync(StreamCodec.WriteWaiting(owner.WorkerId, CorrelationId, number), cancellationToken);
            }
        }

        sequence++;
        await PublishAsync(outgoing, cancellationToken);
    }

    private async ValueTask PublishAsync(Outgoing outgoing, CancellationToken cancellationToken)
    {
        if (!await PlainPublisher.PublishAsync(channel!, "", incoming.ReplyTo!, mandatory: true, outgoing, cancellationToken))
        {
            Break(ErrorCode.CallerLeft);
            throw new OperationCanceledException("The connection to the caller's gateway is lost.", cancellationToken);
        }
    }

    private Outgoing WriteHead(InvocationReply head) => StreamCodec.WriteHead(Sign(head), CorrelationId, number);

    // By name and number the gateway knows which answer it is, and where its credit goes.
    private InvocationReply Sign(InvocationReply reply) => reply with { WorkerId = owner.WorkerId };

    // The kill first: a writer that hears of it finds its run cancelled.
    private void Break(ErrorCode why)
    {
        if (Interlocked.Exchange(ref isBroken, true))
        {
            return;
        }

        onRefused(refusal.Settle(why));
        credit.Refuse();
    }
}

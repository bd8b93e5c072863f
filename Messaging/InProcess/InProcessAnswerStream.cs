using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.Streaming;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One answer in pieces, with the same window as between two machines: a caller that does not read must not cost more here.</summary>
internal sealed class InProcessAnswerStream(WaitingCalls calls, Entry entry, Action<ErrorCode> onRefused) : IAnswerStream, IAnswerSource
{
    private readonly AnswerCredit credit = new(entry.StreamWindow);
    private readonly FirstRefusal refusal = new();
    private bool isBroken;
    private long count;

    /// <summary>How many pieces were sent, the head included.</summary>
    public long Count => count;

    public async ValueTask StartAsync(InvocationReply head, CancellationToken cancellationToken)
    {
        var body = head.Result!.Body;
        var first = body[..Math.Min(body.Length, AnswerWindow.PieceBytes)];
        await SendAsync(head with { Result = head.Result with { Body = default } }, first, cancellationToken);
        await WriteAsync(body[first.Length..], cancellationToken);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, AnswerWindow.PieceBytes)];
            await SendAsync(null, piece, cancellationToken);
            bytes = bytes[piece.Length..];
        }
    }

    public void Grant(long total) => credit.Consume(total);

    public void Refuse(ErrorCode why)
    {
        _ = refusal.Settle(why);
        _ = Task.Run(() => Break(why));
    }

    public void Dispose()
    {
    }

    private async ValueTask SendAsync(InvocationReply? head, ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        while (!credit.TryTake(AnswerWindow.CostOf(piece.Length), out var change))
        {
            await change.WaitAsync(cancellationToken);
        }

        if (!calls.Take(entry.Message, this, count, head, piece.ToArray()))
        {
            Break(ErrorCode.CallerLeft);
            throw new OperationCanceledException("The caller has left.", cancellationToken);
        }

        count++;
    }

    // The kill first: a writer that hears of it finds its run cancelled.
    private void Break(ErrorCode why)
    {
        if (!Interlocked.Exchange(ref isBroken, true))
        {
            onRefused(refusal.Settle(why));
            credit.Refuse();
        }
    }
}

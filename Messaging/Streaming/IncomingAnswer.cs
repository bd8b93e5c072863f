using System.Threading.Channels;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Streaming;

/// <summary>
/// One answer that comes in pieces, on the gateway: checks that they are complete and in order, holds what the caller has not taken yet
/// (never more than the window), and passes it on at the caller's pace. Whoever hears from the worker only puts pieces in and never waits.
/// </summary>
internal sealed class IncomingAnswer
{
    private readonly IAnswerSource source;
    private readonly IAnswerSink sink;
    private readonly long window;
    private readonly Action<ErrorCode> fail;
    private readonly Channel<(InvocationReply? Head, ReadOnlyMemory<byte> Body)> pieces = Channel.CreateUnbounded<(InvocationReply?, ReadOnlyMemory<byte>)>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly CancellationTokenSource stop;
    private readonly Task pump;
    private long heard;
    private long taken;
    private long passedOn;
    private long granted;
    private ErrorCode? failure;
    private volatile bool isOver;

    /// <summary>Begins to pass on.</summary>
    /// <param name="source">Where it comes from.</param>
    /// <param name="sink">Where it goes.</param>
    /// <param name="window">What may be under way.</param>
    /// <param name="fail">Ends the call when the answer cannot be passed on.</param>
    /// <param name="leaving">Cancelled when the caller leaves.</param>
    public IncomingAnswer(IAnswerSource source, IAnswerSink sink, long window, Action<ErrorCode> fail, CancellationToken leaving)
    {
        this.source = source;
        this.sink = sink;
        this.window = window;
        this.fail = fail;
        stop = CancellationTokenSource.CreateLinkedTokenSource(leaving);
        pump = Task.Run(PassOnAsync, CancellationToken.None);
    }

    /// <summary>Where it comes from.</summary>
    public IAnswerSource Source => source;

    /// <summary>How many messages have come.</summary>
    public long Count => Interlocked.Read(ref heard);

    /// <summary>Takes the next message; false if one before it is missing, or if more came than the window allows.</summary>
    /// <param name="sequence">Its number, from 0.</param>
    /// <param name="head">The head, in the first one.</param>
    /// <param name="body">A piece of the body, in memory that stays.</param>
    public bool TryTake(long sequence, InvocationReply? head, ReadOnlyMemory<byte> body)
    {
        if (isOver)
        {
            // Its end is on the way to the worker, and says why.
            return true;
        }

        if (sequence != heard || (head is null) == (sequence == 0))
        {
            return false;
        }

        Interlocked.Increment(ref heard);
        taken += AnswerWindow.CostOf(body.Length);
        return taken - Interlocked.Read(ref passedOn) <= window + AnswerWindow.CostOf(AnswerWindow.PieceBytes) && (pieces.Writer.TryWrite((head, body)) || isOver);
    }

    /// <summary>Tells again how much was passed on: what told it before may be lost.</summary>
    public void Repeat() => source.Grant(Interlocked.Read(ref granted));

    /// <summary>The call has ended: with a reply, what is held is passed on first, at the caller's pace. The sink is not used any more after that.</summary>
    public async Task<CallOutcome> FinishAsync(CallOutcome outcome)
    {
        isOver = true;
        if (outcome.Reply is null)
        {
            await stop.CancelAsync();
        }

        pieces.Writer.TryComplete();
        await pump;
        var isWhole = !stop.IsCancellationRequested;
        stop.Dispose();
        if (outcome.Reply is not null)
        {
            return isWhole ? outcome : new CallOutcome { Error = failure ?? ErrorCode.Cancelled, StartedOn = outcome.StartedOn };
        }

        // A worker that is gone does not hear it.
        source.Refuse(failure == ErrorCode.InvalidResponse ? ErrorCode.InvalidResponse : ErrorCode.CallerLeft);
        return outcome;
    }

    private async Task PassOnAsync()
    {
        try
        {
            await foreach (var (head, body) in pieces.Reader.ReadAllAsync(stop.Token))
            {
                if (head is not null && await sink.StartAsync(head, stop.Token) is { } refusal)
                {
                    await EndAsync(refusal);
                    return;
                }

                if (!body.IsEmpty)
                {
                    await sink.WriteAsync(body, stop.Token);
                }

                var total = Interlocked.Add(ref passedOn, AnswerWindow.CostOf(body.Length));
                if (total - granted >= window / 4)
                {
                    Interlocked.Exchange(ref granted, total);
                    source.Grant(total);
                }
            }
        }
        catch (Exception)
        {
            // Whatever a connection throws when its other end is gone.
            await EndAsync(ErrorCode.Cancelled);
        }
    }

    private async Task EndAsync(ErrorCode why)
    {
        failure = why;
        await stop.CancelAsync();
        fail(why);
    }
}

using FaasCluster.Messaging.Streaming;

namespace FaasCluster.Messaging.InProcess;

/// <summary>A caller that waits. Its end is set once; whatever comes later is ignored.</summary>
/// <param name="sink">Takes an answer in pieces; null if the caller takes it only whole.</param>
/// <param name="window">What may be under way of such an answer.</param>
/// <param name="leaving">Cancelled when the caller leaves.</param>
internal sealed class WaitingCall(IAnswerSink? sink, int window, CancellationToken leaving)
{
    private readonly Lock gate = new();
    private readonly TaskCompletionSource<CallOutcome> end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IncomingAnswer? answer;

    /// <summary>Ends when the run started or was answered.</summary>
    public TaskCompletionSource Progress { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<CallOutcome> End => end.Task;

    /// <summary>The answer that comes in pieces, from the first one on.</summary>
    public IncomingAnswer? Answer
    {
        get
        {
            lock (gate)
            {
                return answer;
            }
        }
    }

    /// <summary>Begins an answer in pieces; null if the call has ended, so that nothing is passed on behind its end.</summary>
    public IncomingAnswer? Begin(IAnswerSource source)
    {
        lock (gate)
        {
            return sink is null || end.Task.IsCompleted
                ? null
                : answer ??= new IncomingAnswer(source, sink, window, why => TryEnd(new CallOutcome { Error = why }), leaving);
        }
    }

    public void TryEnd(CallOutcome outcome)
    {
        end.TrySetResult(outcome);
        Progress.TrySetResult();
    }

    /// <summary>The end, when what came before it has been passed on.</summary>
    public async Task<CallOutcome> FinishAsync()
    {
        var outcome = await end.Task;
        return Answer is { } begun ? await begun.FinishAsync(outcome) : outcome;
    }
}

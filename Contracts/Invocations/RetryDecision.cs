using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Invocations;

/// <summary>What follows an attempt that did not succeed.</summary>
public sealed record RetryDecision
{
    /// <summary>The state that the invocation takes: queued if it goes on, else an end.</summary>
    public required InvocationState State { get; init; }

    /// <summary>When the next attempt is due; null at an end.</summary>
    public DateTimeOffset? NextDueAt { get; init; }

    /// <summary>
    /// The one table from outcome to action. Synchronous invocations are never retried: their caller has the answer.
    /// </summary>
    /// <param name="kind">Whether somebody waits.</param>
    /// <param name="code">How the attempt ended.</param>
    /// <param name="attempt">Which attempt ended, from 1.</param>
    /// <param name="policy">The function's policy.</param>
    /// <param name="deadline">When the invocation is too old.</param>
    /// <param name="now">The time of the end.</param>
    /// <param name="jitter">0 to 1: where in the upper fifth of the backoff the next attempt falls.</param>
    public static RetryDecision After(
        InvocationKind kind, ErrorCode code, int attempt, RetryPolicy policy, DateTimeOffset deadline, DateTimeOffset now, double jitter)
    {
        var end = new RetryDecision { State = TerminalState(code) };
        if (kind == InvocationKind.Synchronous)
        {
            return end;
        }

        TimeSpan? backoff = code.Describe().Retry switch
        {
            RetryTrack.Policy when attempt <= policy.Attempts => policy.BackoffAfter(attempt),
            RetryTrack.Platform => PlatformBackoff,
            _ => null,
        };
        if (backoff is not { } wait)
        {
            return end;
        }

        var due = now + wait + (wait * (0.2 * Math.Clamp(jitter, 0, 1)));
        return due < deadline
            ? new RetryDecision { State = InvocationState.Queued, NextDueAt = due }
            : end;
    }

    private static readonly TimeSpan PlatformBackoff = TimeSpan.FromSeconds(5);

    private static InvocationState TerminalState(ErrorCode code) => code switch
    {
        ErrorCode.Cancelled or ErrorCode.FunctionDeleted => InvocationState.Cancelled,
        ErrorCode.Expired or ErrorCode.WaitTimeout => InvocationState.Expired,
        ErrorCode.WorkerLost or ErrorCode.Poison => InvocationState.Lost,
        _ => InvocationState.Failed,
    };
}

using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Invocations;

/// <summary>What follows an attempt that did not succeed.</summary>
public sealed record RetryDecision
{
    // Short at first, because most faults of a platform are over within seconds; at most a minute, so that it is noticed when they are.
    private static readonly TimeSpan[] PlatformBackoff =
    [
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10),
        TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1),
    ];

    /// <summary>The state that the invocation takes: queued if it goes on, else an end.</summary>
    public required InvocationState State { get; init; }

    /// <summary>The next attempt, due at its <see cref="InvocationMessage.DueAt"/>; null at an end.</summary>
    public InvocationMessage? Next { get; init; }

    /// <summary>
    /// The one table from outcome to action. Synchronous invocations are never retried: their caller has the answer. Failures of
    /// the function use up its policy's attempts and wait for its backoff or as long as the function said; faults of the platform
    /// and throttles use up none and come again, ever more slowly, until the maximum age. What must not run twice comes again only after
    /// errors that say that nothing ran.
    /// </summary>
    /// <param name="message">The attempt that ended.</param>
    /// <param name="error">How it ended.</param>
    /// <param name="policy">The function's policy.</param>
    /// <param name="now">The time of the end.</param>
    /// <param name="jitter">0 to 1: where in the upper fifth of the backoff the next attempt falls.</param>
    public static RetryDecision After(InvocationMessage message, InvocationError error, RetryPolicy policy, DateTimeOffset now, double jitter)
    {
        var end = new RetryDecision { State = TerminalState(error.Code) };
        if (message.Kind == InvocationKind.Synchronous || (policy.AtMostOnce && !NothingRan(error.Code)))
        {
            return end;
        }

        var track = error.Code.Describe().Retry;
        if (WaitAfter(message, error, track, policy, jitter) is not { } wait || now + wait >= message.Deadline)
        {
            return end;
        }

        return new RetryDecision
        {
            State = InvocationState.Queued,
            Next = message with
            {
                Attempt = message.Attempt + 1,
                Failures = track == RetryTrack.Policy ? message.Failures + 1 : message.Failures,
                DueAt = now + wait,
            },
        };
    }

    private static TimeSpan? WaitAfter(InvocationMessage message, InvocationError error, RetryTrack track, RetryPolicy policy, double jitter)
    {
        switch (track)
        {
            case RetryTrack.Policy when message.Failures < policy.Attempts && error.Advice is { } advice:
                // What the function names is kept to the second: it may know when its backend takes calls again.
                return advice.Wait;
            case RetryTrack.Policy when message.Failures < policy.Attempts:
                return Spread(policy.BackoffAfter(message.Failures + 1), jitter);
            case RetryTrack.Platform:
                var faults = Math.Max(0, message.Attempt - 1 - message.Failures);
                return Spread(PlatformBackoff[Math.Min(faults, PlatformBackoff.Length - 1)], jitter);
            default:
                return null;
        }
    }

    private static bool NothingRan(ErrorCode code) => code is ErrorCode.NoCapacity or ErrorCode.SandboxFailed or ErrorCode.PackageInvalid or ErrorCode.Throttled;

    private static TimeSpan Spread(TimeSpan wait, double jitter) => wait + (wait * (0.2 * Math.Clamp(jitter, 0, 1)));

    private static InvocationState TerminalState(ErrorCode code) => code switch
    {
        ErrorCode.Cancelled or ErrorCode.CallerLeft or ErrorCode.FunctionDeleted => InvocationState.Cancelled,
        ErrorCode.Expired or ErrorCode.WaitTimeout => InvocationState.Expired,
        ErrorCode.WorkerLost or ErrorCode.Poison => InvocationState.Lost,
        _ => InvocationState.Failed,
    };
}

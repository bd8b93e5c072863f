namespace FaasCluster.Contracts.Functions;

/// <summary>How asynchronous invocations of a function are retried.</summary>
public sealed record RetryPolicy
{
    /// <summary><c>retries: never</c>: no further attempts, and none that a second delivery of the same message starts.</summary>
    public static RetryPolicy Never { get; } = new() { Attempts = 0, AtMostOnce = true };

    /// <summary>Further attempts after the first, 0 to 10, default 2.</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>
    /// True if an invocation must not run twice, whatever breaks: its start is committed before it runs, and one that is found started
    /// and not ended is lost. Default false: at least once.
    /// </summary>
    public bool AtMostOnce { get; init; }

    /// <summary>
    /// Waits before the second, third ... attempt, each 1 s to 1 h; the last one repeats. Default 1 min, 2 min.
    /// Up to a fifth is added at random, so that failures of one moment do not come back in one moment.
    /// </summary>
    public IReadOnlyList<TimeSpan> Backoff { get; init; } = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)];

    /// <summary>How long after its acceptance an invocation may still start, 60 s to 6 h, default 6 h.</summary>
    public TimeSpan MaximumAge { get; init; } = TimeSpan.FromHours(6);

    /// <summary>The wait after the given attempt, from 1.</summary>
    public TimeSpan BackoffAfter(int attempt) =>
        Backoff.Count == 0 ? TimeSpan.FromMinutes(1) : Backoff[Math.Min(attempt, Backoff.Count) - 1];
}

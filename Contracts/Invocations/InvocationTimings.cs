namespace FaasCluster.Contracts.Invocations;

/// <summary>Where the time of one attempt went. Measured with a monotonic clock on the worker but for the queue time.</summary>
public sealed record InvocationTimings
{
    /// <summary>From due to the moment a sandbox began to be got for it; never negative, whatever the clocks say.</summary>
    public TimeSpan Queue { get; init; }

    /// <summary>Getting a sandbox: zero when warm.</summary>
    public TimeSpan Start { get; init; }

    /// <summary>Loading the function's code: zero when warm.</summary>
    public TimeSpan Init { get; init; }

    /// <summary>The handler.</summary>
    public TimeSpan Run { get; init; }
}

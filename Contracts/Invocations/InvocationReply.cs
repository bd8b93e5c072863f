namespace FaasCluster.Contracts.Invocations;

/// <summary>The answer of a worker to a synchronous caller. Exactly one of result and error is set.</summary>
public sealed record InvocationReply
{
    /// <summary>The invocation that is answered.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>What the function answered.</summary>
    public InvocationResult? Result { get; init; }

    /// <summary>Why it did not.</summary>
    public InvocationError? Error { get; init; }

    /// <summary>Where the time went.</summary>
    public required InvocationTimings Timings { get; init; }

    /// <summary>True if a sandbox was started for it.</summary>
    public bool ColdStart { get; init; }

    /// <summary>What is billed, in whole milliseconds.</summary>
    public long BilledMilliseconds { get; init; }

    /// <summary>False if the store could not confirm the record in time; it is still written.</summary>
    public bool Recorded { get; init; } = true;

    /// <summary>The worker that ran it.</summary>
    public required string WorkerId { get; init; }
}

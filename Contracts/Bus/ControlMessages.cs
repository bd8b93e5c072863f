using System.Text.Json.Serialization;

namespace FaasCluster.Contracts.Bus;

/// <summary>A function was deployed or deleted. Gateways drop what they cached, workers end sandboxes of older revisions.</summary>
public sealed record FunctionChanged
{
    /// <summary>The function.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>Its account.</summary>
    public required string AccountId { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The revision that is current now; 0 if it was deleted.</summary>
    public required int Revision { get; init; }
}

/// <summary>A worker opened a function's warm queue. A hint: gateways stop sending wakes for it.</summary>
public sealed record FunctionWarmed
{
    /// <summary>The function.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>The worker that holds a sandbox.</summary>
    public required string WorkerId { get; init; }
}

/// <summary>A worker left a function's warm queue. A hint: gateways send a wake with the next asynchronous invocation.</summary>
public sealed record FunctionCooled
{
    /// <summary>The function.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>The worker that held a sandbox.</summary>
    public required string WorkerId { get; init; }
}

/// <summary>
/// An invocation was recorded as cancelled. Workers skip it or kill its run, and the gateway whose caller waits for it answers.
/// </summary>
public sealed record InvocationCancelled
{
    /// <summary>The invocation.</summary>
    public required Guid InvocationId { get; init; }
}

/// <summary>
/// An invocation is to be cancelled that is not in the store: the gateway that holds it (a synchronous call in flight, or a row
/// that is still being written) records its end.
/// </summary>
public sealed record CancellationRequested
{
    /// <summary>The invocation.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>The account of whoever asks: it is cancelled only if it belongs to the same.</summary>
    public required string AccountId { get; init; }
}

/// <summary>A worker waits for a slot of a function that is at its concurrency limit. A hint: others end idle sandboxes of it.</summary>
public sealed record SlotWanted
{
    /// <summary>The function.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>The worker that waits.</summary>
    public required string WorkerId { get; init; }
}

/// <summary>Sent by every worker every few seconds, and when it starts or stops.</summary>
public sealed record WorkerHeartbeat
{
    /// <summary>The worker.</summary>
    public required string WorkerId { get; init; }

    /// <summary>By the worker's clock.</summary>
    public required DateTimeOffset SentAt { get; init; }

    /// <summary>Functions that are warm on it.</summary>
    public required IReadOnlyList<Guid> WarmFunctions { get; init; }

    /// <summary>Memory that its sandboxes may use together, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Memory reserved by its sandboxes, in bytes.</summary>
    public required long ReservedBytes { get; init; }

    /// <summary>Runtimes it can run.</summary>
    public required IReadOnlyList<string> Runtimes { get; init; }

    /// <summary>True from the moment it takes no more work until it is gone.</summary>
    public bool Draining { get; init; }

    /// <summary>
    /// Asynchronous invocations that were delivered to it and are not settled, by function: no broker tells by AMQP what it waits for
    /// an acknowledgement of. Null from workers of an earlier version.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<Guid, int>? HeldEvents { get; init; }

    /// <summary>Why its functions cannot be connected to the outside, and what to do; null if they can, and from workers of an earlier version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? EgressProblem { get; init; }
}

namespace FaasCluster.Contracts.Api;

/// <summary>What <c>faas doctor</c> and <c>/readyz</c> look at.</summary>
public sealed record ClusterStatus
{
    /// <summary>embedded or cluster.</summary>
    public required string Mode { get; init; }

    /// <summary>The platform's version.</summary>
    public required string Version { get; init; }

    /// <summary>True if every check passed.</summary>
    public required bool Ready { get; init; }

    /// <summary>broker, store, workers.</summary>
    public required IReadOnlyList<CheckResult> Checks { get; init; }

    /// <summary>Workers that were heard of lately.</summary>
    public required IReadOnlyList<WorkerDescription> Workers { get; init; }

    /// <summary>Dead letters that nobody has dealt with; null while the store cannot be asked.</summary>
    public long? OpenDeadLetters { get; init; }

    /// <summary>Whether everything accepted is somewhere; null until it was counted once since the gateway's start.</summary>
    public ConservationStatus? Conservation { get; init; }
}

/// <summary>
/// Asynchronous invocations that have not ended, counted from both sides: as rows in the store, and as what will end them, in the outbox
/// and in the broker.
/// </summary>
public sealed record ConservationStatus
{
    /// <summary>When it was counted.</summary>
    public required DateTimeOffset CountedAt { get; init; }

    /// <summary>Rows that have not ended.</summary>
    public required long Open { get; init; }

    /// <summary>Of these, those that wait in the outbox.</summary>
    public required long Outbox { get; init; }

    /// <summary>Messages that lie ready in the broker's queues of their functions.</summary>
    public required long Ready { get; init; }

    /// <summary>Messages that workers hold and have not acknowledged.</summary>
    public required long Held { get; init; }

    /// <summary>Messages that reached their delivery limit and wait to be recorded.</summary>
    public required long Dead { get; init; }

    /// <summary>
    /// Rows, due for a while, that were missing from outbox and broker in several counts in a row: invocations that nobody will end but
    /// the reconciler, at their maximum age. 0 unless something was lost.
    /// </summary>
    public required long Missing { get; init; }
}

/// <summary>One check.</summary>
public sealed record CheckResult
{
    /// <summary>What was checked.</summary>
    public required string Name { get; init; }

    /// <summary>Null if it passed; else what is wrong and what to do.</summary>
    public string? Problem { get; init; }
}

/// <summary>One worker.</summary>
public sealed record WorkerDescription
{
    /// <summary>The worker's id.</summary>
    public required string Id { get; init; }

    /// <summary>When it was heard of last.</summary>
    public required DateTimeOffset SeenAt { get; init; }

    /// <summary>Functions that are warm on it.</summary>
    public required int WarmFunctions { get; init; }

    /// <summary>Memory that its sandboxes may use, in MB.</summary>
    public required long MemoryMb { get; init; }

    /// <summary>Memory that its sandboxes hold, in MB.</summary>
    public required long ReservedMb { get; init; }

    /// <summary>Runtimes it can run.</summary>
    public required IReadOnlyList<string> Runtimes { get; init; }

    /// <summary>True while it ends.</summary>
    public required bool Draining { get; init; }

    /// <summary>Why functions on it cannot be connected to the outside, and what to do; null if they can.</summary>
    public string? EgressProblem { get; init; }
}

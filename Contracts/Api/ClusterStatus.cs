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
}

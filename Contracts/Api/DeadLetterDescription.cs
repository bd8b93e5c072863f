namespace FaasCluster.Contracts.Api;

/// <summary>An asynchronous invocation that ended other than well, as the API answers it.</summary>
public sealed record DeadLetterDescription
{
    /// <summary>The id of the invocation, which is that of the letter.</summary>
    public required Guid Id { get; init; }

    /// <summary>The function's name.</summary>
    public required string Function { get; init; }

    /// <summary>The revision that it ran with, from 1.</summary>
    public required int Revision { get; init; }

    /// <summary>open, redriven or discarded.</summary>
    public required string State { get; init; }

    /// <summary>How the invocation ended: failed, expired or lost.</summary>
    public required string Reason { get; init; }

    /// <summary>The last attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>When the invocation was accepted.</summary>
    public required DateTimeOffset AcceptedAt { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>How its last attempt failed.</summary>
    public ErrorDescription? Error { get; init; }

    /// <summary>When it was re-driven or discarded; null while it is open.</summary>
    public DateTimeOffset? SettledAt { get; init; }

    /// <summary>The invocation that was made of it; null unless it was re-driven.</summary>
    public Guid? RedrivenAs { get; init; }

    /// <summary>The dead letter that the invocation itself was made of; null otherwise.</summary>
    public Guid? RedriveOf { get; init; }

    /// <summary>Recorded attempts, first one first; null in lists.</summary>
    public IReadOnlyList<AttemptDescription>? Attempts { get; init; }

    /// <summary>What it was called with; null in lists, and if the event is not kept: then it cannot be re-driven.</summary>
    public EventDescription? Event { get; init; }
}

/// <summary>The event of an ended invocation.</summary>
public sealed record EventDescription
{
    /// <summary>How many bytes it has.</summary>
    public required long Bytes { get; init; }

    /// <summary>The content type as it was sent; null if none was.</summary>
    public string? ContentType { get; init; }

    /// <summary>The method of the HTTP request; null unless it was one.</summary>
    public string? Method { get; init; }

    /// <summary>The path below the function and the query of the HTTP request; null unless it was one.</summary>
    public string? Path { get; init; }

    /// <summary>The event if it is text of at most 64 KiB.</summary>
    public string? Text { get; init; }

    /// <summary>Where its bytes are.</summary>
    public required string Location { get; init; }
}

/// <summary>What was done to dead letters that matched a filter.</summary>
public sealed record DeadLetterReport
{
    /// <summary>How many letters were re-driven or discarded.</summary>
    public required int Count { get; init; }

    /// <summary>New invocations by the letters that they were made of; null if they were discarded.</summary>
    public IReadOnlyList<RedriveDescription>? Redriven { get; init; }

    /// <summary>Letters that matched and stay as they are, and why.</summary>
    public IReadOnlyList<SkippedDescription> Skipped { get; init; } = [];

    /// <summary>Pass it as <c>cursor</c> to go on; null if no letter is left.</summary>
    public string? Next { get; init; }
}

/// <summary>A letter and what was made of it.</summary>
public sealed record RedriveDescription
{
    /// <summary>The letter.</summary>
    public required Guid Of { get; init; }

    /// <summary>The new invocation.</summary>
    public required Guid Id { get; init; }
}

/// <summary>A letter that could not be re-driven.</summary>
public sealed record SkippedDescription
{
    /// <summary>The letter.</summary>
    public required Guid Id { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }
}

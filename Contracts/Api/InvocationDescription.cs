namespace FaasCluster.Contracts.Api;

/// <summary>An invocation, as the API answers it.</summary>
public sealed record InvocationDescription
{
    /// <summary>The invocation's id, a UUID version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The function's name.</summary>
    public required string Function { get; init; }

    /// <summary>The revision, from 1.</summary>
    public required int Revision { get; init; }

    /// <summary>synchronous or asynchronous.</summary>
    public required string Kind { get; init; }

    /// <summary>What caused it: http, api or destination.</summary>
    public required string Trigger { get; init; }

    /// <summary>queued, running, succeeded, failed, cancelled, expired or lost.</summary>
    public required string State { get; init; }

    /// <summary>The attempt that ran last or is due next, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset AcceptedAt { get; init; }

    /// <summary>When the attempt is due that it waits for, if it was delayed or failed before; null otherwise.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>When it ended; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The invocation whose end caused it; null for what a caller sent.</summary>
    public Guid? CausedBy { get; init; }

    /// <summary>How many destinations lead here; null for what a caller sent.</summary>
    public int? Depth { get; init; }

    /// <summary>Whom its end was or will be told: destination and callback; null in lists, and if nobody.</summary>
    public IReadOnlyList<DispatchDescription>? Dispatches { get; init; }

    /// <summary>How its last recorded attempt failed; null otherwise.</summary>
    public ErrorDescription? Error { get; init; }

    /// <summary>Recorded attempts, first one first; null in lists.</summary>
    public IReadOnlyList<AttemptDescription>? Attempts { get; init; }

    /// <summary>What the function answered, where it is kept; null in lists.</summary>
    public ResultDescription? Result { get; init; }

    /// <summary>The dead letter that it was made of by a re-drive; null otherwise.</summary>
    public Guid? RedriveOf { get; init; }

    /// <summary>The ended invocation that it was made of by a replay; null otherwise.</summary>
    public Guid? ReplayOf { get; init; }

    /// <summary>What became of its dead letter: open, redriven or discarded; null if it has none, and in lists.</summary>
    public string? DeadLetter { get; init; }

    /// <summary>The invocation that was made of its dead letter; null otherwise, and in lists.</summary>
    public Guid? RedrivenAs { get; init; }

    /// <summary>The invocations that were made of it by replays, newest first, ten at most; null if there are none, and in lists.</summary>
    public IReadOnlyList<Guid>? Replays { get; init; }
}

/// <summary>How something failed.</summary>
public sealed record ErrorDescription
{
    /// <summary>The error code.</summary>
    public required string Code { get; init; }

    /// <summary>Who has to act: function, caller or platform.</summary>
    public required string Fault { get; init; }

    /// <summary>The type of the error that the function raised.</summary>
    public string? Type { get; init; }

    /// <summary>What happened.</summary>
    public string? Message { get; init; }
}

/// <summary>One attempt with its bill.</summary>
public sealed record AttemptDescription
{
    /// <summary>From 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The error code; null for success.</summary>
    public string? Error { get; init; }

    /// <summary>When a sandbox began to be got for it.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>Waiting, in ms.</summary>
    public required double QueueMs { get; init; }

    /// <summary>Getting a sandbox, in ms; 0 when warm.</summary>
    public required double StartMs { get; init; }

    /// <summary>Loading the code, in ms; 0 when warm.</summary>
    public required double InitMs { get; init; }

    /// <summary>The handler, in ms.</summary>
    public required double RunMs { get; init; }

    /// <summary>Whether a sandbox was started for it.</summary>
    public required bool Cold { get; init; }

    /// <summary>Configured memory in MB (2^20 bytes).</summary>
    public required long MemoryMb { get; init; }

    /// <summary>Peak memory in MB, where known.</summary>
    public double? PeakMemoryMb { get; init; }

    /// <summary>CPU used in ms, where known.</summary>
    public double? CpuMs { get; init; }

    /// <summary>The worker.</summary>
    public required string Worker { get; init; }

    /// <summary>Billed time in ms.</summary>
    public required long BilledMs { get; init; }

    /// <summary>Billed compute in GB-seconds.</summary>
    public required decimal GbSeconds { get; init; }

    /// <summary>In the currency of the price table.</summary>
    public required decimal Cost { get; init; }

    /// <summary>ISO 4217; null from a gateway that does not say.</summary>
    public string? Currency { get; init; }

    /// <summary>The trace that the attempt belongs to, 32 hex digits.</summary>
    public string? TraceId { get; init; }
}

/// <summary>What a function answered.</summary>
public sealed record ResultDescription
{
    /// <summary>The HTTP status it chose, if it was HTTP-shaped.</summary>
    public int? Status { get; init; }

    /// <summary>The content type.</summary>
    public required string ContentType { get; init; }

    /// <summary>The payload if it is text.</summary>
    public string? Text { get; init; }

    /// <summary>The payload in base64 if it is not text.</summary>
    public string? Base64 { get; init; }
}

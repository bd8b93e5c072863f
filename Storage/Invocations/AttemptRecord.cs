using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Invocations;

/// <summary>Everything that is committed about one attempt: outcome, bill and what follows, in one transaction.</summary>
public sealed record AttemptRecord
{
    /// <summary>
    /// The invocation that was attempted, with its event: an end keeps it for re-drive and replay, of a success only up to
    /// <see cref="Contracts.Limits.KeptEventBytes"/>.
    /// </summary>
    public required InvocationMessage Message { get; init; }

    /// <summary>False if the message was made up from a row, so that its event is not known: nothing is kept of it then.</summary>
    public bool HasEvent { get; init; } = true;

    /// <summary>False if the function asks to keep the events of failures only.</summary>
    public bool KeepsEventOfSuccess { get; init; } = true;

    /// <summary>The function's name at that time.</summary>
    public required string FunctionName { get; init; }

    /// <summary>Configured memory in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The state that the invocation takes: queued if <see cref="NextAttempt"/> is set, else an end.</summary>
    public required InvocationState State { get; init; }

    /// <summary>Why the attempt did not succeed; null for success.</summary>
    public InvocationError? Error { get; init; }

    /// <summary>What the function answered; kept up to <see cref="Contracts.Limits.RecordedResultBytes"/>.</summary>
    public InvocationResult? Result { get; init; }

    /// <summary>When a sandbox began to be got for it; equal to <see cref="EndedAt"/> if it never ran.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>Where the time went.</summary>
    public required InvocationTimings Timings { get; init; }

    /// <summary>True if a sandbox was started for it.</summary>
    public bool ColdStart { get; init; }

    /// <summary>Peak memory in bytes; null where the kernel does not tell it.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>CPU used; null where the kernel does not tell it.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>The worker, or the gateway that ended it.</summary>
    public required string WorkerId { get; init; }

    /// <summary>What it costs.</summary>
    public required Bill Bill { get; init; }

    /// <summary>Where the function's manifest sends the record of a success; null for nowhere.</summary>
    public Destination? OnSuccess { get; init; }

    /// <summary>Where the function's manifest sends the record of a failure; null for nowhere.</summary>
    public Destination? OnFailure { get; init; }

    /// <summary>The event for the destination's record, also if it was stored apart from its message; null where it is not known.</summary>
    public ReadOnlyMemory<byte>? Event { get; init; }

    /// <summary>The next attempt, body included, due at its <see cref="InvocationMessage.DueAt"/>; null at an end.</summary>
    public InvocationMessage? NextAttempt { get; init; }
}

/// <summary>What became of an <see cref="AttemptRecord"/>.</summary>
public enum RecordOutcome
{
    /// <summary>Committed.</summary>
    Recorded,

    /// <summary>This attempt was recorded before, or the invocation had ended: nothing changed.</summary>
    Duplicate,

    /// <summary>The store refuses this one record and always will; it was logged.</summary>
    Refused,
}

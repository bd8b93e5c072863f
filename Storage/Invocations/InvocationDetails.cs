using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Storage.Invocations;

/// <summary>An invocation as it is stored, with its last attempt's figures.</summary>
public sealed record InvocationSummary
{
    /// <summary>The invocation.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>The account.</summary>
    public required string AccountId { get; init; }

    /// <summary>The function.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>The function's name when it was accepted.</summary>
    public required string FunctionName { get; init; }

    /// <summary>The revision.</summary>
    public required int Revision { get; init; }

    /// <summary>Whether somebody waited.</summary>
    public required InvocationKind Kind { get; init; }

    /// <summary>What caused it.</summary>
    public required TriggerKind Trigger { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required InvocationState State { get; init; }

    /// <summary>The attempt that ran last or is due next, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset AcceptedAt { get; init; }

    /// <summary>When the attempt that ran last or is next became or becomes due.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>When it is too late to start.</summary>
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>True if its event lies in the payload store.</summary>
    public bool BodyIsStored { get; init; }

    /// <summary>How many destinations lead here; 0 for what a caller sent.</summary>
    public int Depth { get; init; }

    /// <summary>The invocation whose end caused it; null for what a caller sent.</summary>
    public Guid? CausedBy { get; init; }

    /// <summary>Where its end is to be told; null if nobody asked for it.</summary>
    public Uri? Callback { get; init; }

    /// <summary>True if its end is told to nobody: a replay for which that was asked.</summary>
    public bool SuppressDestinations { get; init; }

    /// <summary>When it ended; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How its last recorded attempt failed; null for success or before.</summary>
    public ErrorCode? ErrorCode { get; init; }

    /// <summary>The type of the error that the function raised.</summary>
    public string? ErrorType { get; init; }

    /// <summary>What happened, for people.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>The dead letter that it was made of by a re-drive; null otherwise.</summary>
    public Guid? RedriveOf { get; init; }

    /// <summary>The ended invocation that it was made of by a replay; null otherwise.</summary>
    public Guid? ReplayOf { get; init; }
}

/// <summary>An invocation with every recorded attempt and its result.</summary>
public sealed record InvocationDetails
{
    /// <summary>The invocation.</summary>
    public required InvocationSummary Summary { get; init; }

    /// <summary>Recorded attempts, first one first.</summary>
    public required IReadOnlyList<RecordedAttempt> Attempts { get; init; }

    /// <summary>What the function answered; null before, after a failure, or if it was larger than what is kept.</summary>
    public InvocationResult? Result { get; init; }

    /// <summary>What became of its dead letter; null if it has none.</summary>
    public DeadLetterState? DeadLetter { get; init; }

    /// <summary>The invocation that was made of its dead letter; null otherwise.</summary>
    public Guid? RedrivenAs { get; init; }

    /// <summary>The invocations that were made of it by replays, newest first, ten at most.</summary>
    public IReadOnlyList<Guid> Replays { get; init; } = [];

    /// <summary>Whom its end was or will be told, without the documents.</summary>
    public IReadOnlyList<Dispatch> Dispatches { get; init; } = [];
}

/// <summary>One attempt and its bill, which are one row.</summary>
public sealed record RecordedAttempt
{
    /// <summary>From 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>How it failed; null for success.</summary>
    public ErrorCode? ErrorCode { get; init; }

    /// <summary>When a sandbox began to be got for it.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>Where the time went.</summary>
    public required InvocationTimings Timings { get; init; }

    /// <summary>True if a sandbox was started for it.</summary>
    public required bool ColdStart { get; init; }

    /// <summary>Configured memory in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Peak memory in bytes, where known.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>CPU used, where known.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>The worker.</summary>
    public required string WorkerId { get; init; }

    /// <summary>Billed time in whole milliseconds.</summary>
    public required long BilledMilliseconds { get; init; }

    /// <summary>Billed compute.</summary>
    public required decimal GigabyteSeconds { get; init; }

    /// <summary>In the currency of the price table.</summary>
    public required decimal Cost { get; init; }

    /// <summary>The price table.</summary>
    public required string PriceVersion { get; init; }

    /// <summary>W3C trace context of the attempt, if there was one.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>What to list.</summary>
public sealed record InvocationFilter
{
    /// <summary>The account.</summary>
    public required string AccountId { get; init; }

    /// <summary>Only this function's; null for all.</summary>
    public string? FunctionName { get; init; }

    /// <summary>Only those in this state; null for all.</summary>
    public InvocationState? State { get; init; }

    /// <summary>Only those accepted at or after this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only those accepted before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Continue after this one (newest first); null for the first page.</summary>
    public Guid? Before { get; init; }

    /// <summary>Most rows, 1 to 1,000.</summary>
    public int Limit { get; init; } = 50;
}

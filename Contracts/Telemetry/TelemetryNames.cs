namespace FaasCluster.Contracts.Telemetry;

/// <summary>
/// Names of sources, instruments and attributes, after the OpenTelemetry semantic conventions (v1.44). Those of
/// <c>faas.*</c> are still in development there, so they stand here once.
/// </summary>
public static class TelemetryNames
{
    /// <summary>The activity source and the meter of the platform.</summary>
    public const string Source = "FaasCluster";

    /// <summary>Histogram, s: the handler's run.</summary>
    public const string InvokeDuration = "faas.invoke_duration";

    /// <summary>Histogram, s: loading the code at a cold start.</summary>
    public const string InitDuration = "faas.init_duration";

    /// <summary>Histogram, s: CPU used by one invocation.</summary>
    public const string CpuUsage = "faas.cpu_usage";

    /// <summary>Histogram, By: peak memory of one invocation.</summary>
    public const string MemoryUsage = "faas.mem_usage";

    /// <summary>Counter: cold starts.</summary>
    public const string ColdStarts = "faas.coldstarts";

    /// <summary>Counter: invocations that ended in an error.</summary>
    public const string Errors = "faas.errors";

    /// <summary>Counter: invocations that ran past their timeout.</summary>
    public const string Timeouts = "faas.timeouts";

    /// <summary>Counter: invocations that succeeded.</summary>
    public const string Invocations = "faas.invocations";

    /// <summary>Histogram, By: length of an answer that was streamed to its caller, whole or not.</summary>
    public const string StreamedAnswers = "faascluster.answers.streamed";

    /// <summary>Gauge: sandboxes by state (pooled, busy, idle).</summary>
    public const string Sandboxes = "faascluster.sandboxes";

    /// <summary>Gauge, By: memory reserved by sandboxes.</summary>
    public const string MemoryReserved = "faascluster.memory.reserved";

    /// <summary>Histogram: records in one commit.</summary>
    public const string CompletionBatch = "faascluster.completion.batch";

    /// <summary>Gauge: records waiting for their commit.</summary>
    public const string CompletionPending = "faascluster.completion.pending";

    /// <summary>Counter: records that the store refuses and always will.</summary>
    public const string RefusedRecords = "faascluster.completion.refused";

    /// <summary>Counter: lines of functions that were dropped because the store did not keep up.</summary>
    public const string DroppedLogLines = "faascluster.logs.dropped";

    /// <summary>Histogram, s: one commit.</summary>
    public const string CommitDuration = "faascluster.commit.duration";

    /// <summary>Counter, GBy.s: billed compute.</summary>
    public const string BilledGigabyteSeconds = "faascluster.billed.gb_seconds";

    /// <summary>Counter: late or repeated records that changed nothing.</summary>
    public const string Duplicates = "faascluster.duplicates";

    /// <summary>Counter: dead letters made.</summary>
    public const string DeadLetters = "faascluster.dead_letters";

    /// <summary>Gauge: dead letters that nobody has dealt with.</summary>
    public const string OpenDeadLetters = "faascluster.dead_letters.open";

    /// <summary>Counter of deliveries to destinations and callbacks.</summary>
    public const string Dispatches = "faascluster.dispatches";

    /// <summary>Counter: asynchronous invocations that were answered with 202, re-driven or replayed.</summary>
    public const string InvocationsAccepted = "faascluster.invocations.accepted";

    /// <summary>Counter: asynchronous invocations whose end was recorded.</summary>
    public const string InvocationsEnded = "faascluster.invocations.ended";

    /// <summary>Gauge: asynchronous invocations that wait, in the outbox or ready in the broker.</summary>
    public const string InvocationsWaiting = "faascluster.invocations.waiting";

    /// <summary>Gauge: asynchronous invocations that workers hold.</summary>
    public const string InvocationsRunning = "faascluster.invocations.running";

    /// <summary>Gauge: rows of asynchronous invocations that have not ended.</summary>
    public const string InvocationsOpen = "faascluster.invocations.open";

    /// <summary>Gauge: rows that have not ended and that neither outbox nor broker holds: conservation is broken if it is not 0.</summary>
    public const string InvocationsMissing = "faascluster.invocations.missing";

    /// <summary>Counter: calls handed back to the cold queue because no slot was free in time.</summary>
    public const string Spills = "faascluster.spills";

    /// <summary>Counter: calls dropped because their caller had left before they could start.</summary>
    public const string CallersGone = "faascluster.callers_gone";

    /// <summary>Counter: calls answered with throttled because their function was at its concurrency limit.</summary>
    public const string Throttled = "faascluster.throttled";

    /// <summary>Counter: log lines dropped because the log buffer was full.</summary>
    public const string LogLinesDropped = "faascluster.log_lines.dropped";

    /// <summary>Counter: connections that functions were refused, by reason.</summary>
    public const string NetworkRefused = "faascluster.network.refused";

    /// <summary>Gauge: connections of functions, to the outside and to the gateway.</summary>
    public const string NetworkConnections = "faascluster.network.connections";

    /// <summary>Attribute: why a connection was refused: private, host, loopback, link_local, platform, multicast, too_many.</summary>
    public const string RefusalReason = "faascluster.reason";

    /// <summary>Attribute: the function's name.</summary>
    public const string FaasName = "faas.name";

    /// <summary>Attribute: the function's revision.</summary>
    public const string FaasVersion = "faas.version";

    /// <summary>Attribute: "http", "other" (semantic convention values).</summary>
    public const string FaasTrigger = "faas.trigger";

    /// <summary>Attribute: whether a sandbox was started for it.</summary>
    public const string FaasColdStart = "faas.coldstart";

    /// <summary>Attribute: the invocation's id. On spans only, never on metrics.</summary>
    public const string FaasInvocationId = "faas.invocation_id";

    /// <summary>Attribute: the error code.</summary>
    public const string ErrorType = "error.type";
}

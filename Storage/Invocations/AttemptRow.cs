using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Invocations;

/// <summary>A row of billing_records as it is read.</summary>
internal sealed class AttemptRow
{
    public const string Columns =
        """
        attempt, error_code, started_at, ended_at, queue_us, start_us, init_us, run_us, cold_start, memory_bytes,
        peak_memory_bytes, cpu_us, worker_id, billed_ms, gb_seconds, cost, price_version, trace_parent
        """;

    public int Attempt { get; init; }

    public string? ErrorCode { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset EndedAt { get; init; }

    public long QueueUs { get; init; }

    public long StartUs { get; init; }

    public long InitUs { get; init; }

    public long RunUs { get; init; }

    public bool ColdStart { get; init; }

    public long MemoryBytes { get; init; }

    public long? PeakMemoryBytes { get; init; }

    public long? CpuUs { get; init; }

    public string WorkerId { get; init; } = "";

    public long BilledMs { get; init; }

    public decimal GbSeconds { get; init; }

    public decimal Cost { get; init; }

    public string PriceVersion { get; init; } = "";

    public string? TraceParent { get; init; }

    public RecordedAttempt ToAttempt() => new()
    {
        Attempt = Attempt,
        ErrorCode = ErrorCode is null ? null : ErrorCodes.Parse(ErrorCode),
        StartedAt = StartedAt,
        EndedAt = EndedAt,
        Timings = new InvocationTimings
        {
            Queue = Stored.FromMicroseconds(QueueUs),
            Start = Stored.FromMicroseconds(StartUs),
            Init = Stored.FromMicroseconds(InitUs),
            Run = Stored.FromMicroseconds(RunUs),
        },
        ColdStart = ColdStart,
        MemoryBytes = MemoryBytes,
        PeakMemoryBytes = PeakMemoryBytes,
        CpuTime = CpuUs is { } cpu ? Stored.FromMicroseconds(cpu) : null,
        WorkerId = WorkerId,
        BilledMilliseconds = BilledMs,
        GigabyteSeconds = GbSeconds,
        Cost = Cost,
        PriceVersion = PriceVersion,
        TraceParent = TraceParent,
    };
}

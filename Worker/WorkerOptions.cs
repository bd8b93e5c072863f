using System.ComponentModel.DataAnnotations;
using FaasCluster.Contracts;

namespace FaasCluster.Worker;

/// <summary>Settings of a worker; section "Worker".</summary>
public sealed record WorkerOptions
{
    /// <summary>
    /// Memory that the sandboxes of this worker may hold together, in bytes, 64 MB and up. Default: three quarters of what the
    /// machine (or the container) has.
    /// </summary>
    [Range(64L << 20, long.MaxValue)]
    public long MemoryBytes { get; init; } = Math.Max(64L << 20, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3);

    /// <summary>How long an idle sandbox is kept where its function does not say, 0 to 24 h, default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Most cold calls that are taken at once, 1 to 1,000, default four per core.</summary>
    [Range(1, 1000)]
    public int ColdPrefetch { get; init; } = Environment.ProcessorCount * 4;

    /// <summary>Most sandboxes of one function on this worker, 1 to 10,000, default 100. CPU and memory usually limit earlier.</summary>
    [Range(1, 10_000)]
    public int SlotsPerFunction { get; init; } = 100;

    /// <summary>How long a call waits for a slot before the lane starts another sandbox, 1 ms to 10 s, default 25 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan GrowAfter { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>
    /// How long a call of a function at its concurrency limit waits for a slot, here or handed over by another worker, before
    /// it is answered with throttled, 0 to 10 s, default 200 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:10")]
    public TimeSpan ThrottleAfter { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How long a leased slot of a function with a concurrency limit stays with a worker that does not renew it any more,
    /// 2 s to 10 min, default 30 s. So long a dead worker's slots are missing.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:10:00")]
    public TimeSpan SlotLease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a synchronous answer waits for its record before it goes out marked as not yet recorded, 0 to 60 s, default 1 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan CommitWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most bytes of an answer that is streamed to its caller, 1 MiB and up, default 200 MiB: a run that writes more is killed.</summary>
    [Range(1L << 20, long.MaxValue)]
    public long StreamedAnswerBytes { get; init; } = Limits.StreamedAnswerBytes;

    /// <summary>How long running invocations may go on after SIGTERM, 0 to 1 h, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the worker says that it lives, 100 ms to 60 s, default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(3);
}

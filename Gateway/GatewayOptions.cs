using System.ComponentModel.DataAnnotations;

namespace FaasCluster.Gateway;

/// <summary>Settings of the gateway; section "Gateway".</summary>
public sealed record GatewayOptions
{
    /// <summary>
    /// A key of the default account, 16 to 200 visible ASCII characters; added at every start. A cluster needs it or
    /// <see cref="BootstrapKeyFile"/>; the embedded mode makes one itself.
    /// </summary>
    [RegularExpression("^[!-~]{16,200}$", ErrorMessage = "Gateway:BootstrapKey is no key; expected 16 to 200 visible ASCII characters without spaces, for example the output of 'openssl rand -hex 24'.")]
    public string? BootstrapKey { get; init; }

    /// <summary>A file that holds the key instead, for example a mounted secret.</summary>
    public string? BootstrapKeyFile { get; init; }

    /// <summary>How long a key's account is remembered, 1 s to 1 h, default 30 s: a key that is taken away works so much longer.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeyCacheTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a function's current revision is used without asking the store, 100 ms to 10 min, default 5 s. Deploys and
    /// deletes are heard of at once; this bounds the effect of a lost message.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan FunctionCacheTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Deployments that are read at the same time, 1 to 64, default 4: each may hold a package of 50 MiB in memory.</summary>
    [Range(1, 64)]
    public int ConcurrentDeploys { get; init; } = 4;

    /// <summary>Invocations that are being answered at the same time, 1 to 1 million, default 10,000; more are refused with 429.</summary>
    [Range(1, 1_000_000)]
    public int ConcurrentCalls { get; init; } = 10_000;

    /// <summary>Memory for the bodies of those invocations together, in bytes, 8 MiB to 1 TiB, default 1 GiB; more are refused with 429.</summary>
    [Range(8L << 20, 1L << 40)]
    public long BodyMemoryBytes { get; init; } = 1L << 30;

    /// <summary>
    /// What a synchronous call may take beyond its deadlines, for the kill of a run past its timeout and for the commit,
    /// 1 s to 60 s, default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan AnswerMargin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an answer waits for the commit of the record that the gateway itself writes, 100 ms to 30 s, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:30")]
    public TimeSpan RecordTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the outbox is looked at for rows of other nodes, 100 ms to 60 s, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan OutboxInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long an Idempotency-Key is remembered, 1 s to 7 days, default 24 h; and no longer than the store's retention.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan IdempotencyTime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// How often functions with waiting invocations and no warm worker are looked for, and how long an invocation waits
    /// before its function counts as one, 100 ms to 10 min, default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long after the longest run of a deleted function its waiting invocations are ended that have no message any more,
    /// 1 s to 1 h, default 30 s: what is running may still commit until then.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RemovalMargin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often invocations that outlived their deadline are ended, 1 s to 1 h, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ReconcileInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often rows are compared with what outbox and broker hold, 1 s to 1 h, default 15 s; less often where counting takes long.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ConservationInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// For how long an invocation is due before the broker must hold its message, 1 s to 1 h, default 15 s: longer than workers take to
    /// say what they hold.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ConservationAge { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often partitions are made and what is older than the retention is removed, 1 s to 1 day, default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RetentionInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>After how long without a heartbeat a worker counts as gone, 1 s to 10 min, default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan WorkerTimeout { get; init; } = TimeSpan.FromSeconds(15);
}

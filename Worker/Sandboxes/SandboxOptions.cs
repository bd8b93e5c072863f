using System.ComponentModel.DataAnnotations;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Settings of the sandboxes; section "Sandbox".</summary>
public sealed record SandboxOptions
{
    /// <summary>The most that <see cref="MaximumSandboxes"/> can be, and so how many user ids each worker of a host has to itself.</summary>
    internal const int MostSandboxes = 5_000;

    /// <summary>
    /// Where workers of this host keep unpacked packages and what they bind into sandboxes. Every directory above it must let
    /// any user pass (o+x) if the worker is root. Default: /var/lib/faascluster/sandboxes for root, else ~/.local/state/faascluster/sandboxes.
    /// </summary>
    public string? Directory { get; init; }

    /// <summary>What puts walls around functions: bubblewrap, the default, or crun.</summary>
    public IsolationKind Isolation { get; init; }

    /// <summary>crun, default /usr/bin/crun.</summary>
    [Required]
    public string CrunPath { get; init; } = "/usr/bin/crun";

    /// <summary>bubblewrap, default /usr/bin/bwrap.</summary>
    [Required]
    public string BubblewrapPath { get; init; } = "/usr/bin/bwrap";

    /// <summary>CPython 3, below /usr, default /usr/bin/python3. Without it the worker does not offer python3.</summary>
    [Required, RegularExpression("^/usr/.+")]
    public string PythonPath { get; init; } = "/usr/bin/python3";

    /// <summary>Node.js 18 or newer, below /usr, default /usr/bin/node. Without it the worker does not offer nodejs.</summary>
    [Required, RegularExpression("^/usr/.+")]
    public string NodePath { get; init; } = "/usr/bin/node";

    /// <summary>.NET 10, below /usr, default /usr/bin/dotnet. Without it the worker does not offer dotnet.</summary>
    [Required, RegularExpression("^/usr/.+")]
    public string DotNetPath { get; init; } = "/usr/bin/dotnet";

    /// <summary>
    /// The first user id of sandboxes, 1,000 to 2,000,000,000, default 200,000: each has its own, so that nothing which the kernel
    /// counts or allows by user is shared; the next worker of the host begins 5,000 later. Used only if the worker is root. No real user
    /// may have one of them.
    /// </summary>
    [Range(1_000, 2_000_000_000)]
    public int UserIdBase { get; init; } = 200_000;

    /// <summary>Most sandboxes at once, pooled ones included, 1 to 5,000, default 500.</summary>
    [Range(1, MostSandboxes)]
    public int MaximumSandboxes { get; init; } = 500;

    /// <summary>The cgroup below which the worker makes its own, as a path in each hierarchy; default the worker's.</summary>
    [RegularExpression("^/.*")]
    public string? Cgroup { get; init; }

    /// <summary>Whether CPU is limited in proportion to memory, one core at 1,769 MB. Default true.</summary>
    public bool LimitCpu { get; init; } = true;

    /// <summary>The smallest CPU limit in cores, 0.01 to 64, default 0.1.</summary>
    [Range(0.01, 64)]
    public double MinimumCores { get; init; } = 0.1;

    /// <summary>Processes and threads in one sandbox, 16 to 32,768, default 512.</summary>
    [Range(16, 32_768)]
    public int ProcessLimit { get; init; } = 512;

    /// <summary>Size of /tmp in bytes, 1 MB to 10 GB, default 512 MB; counted as the function's memory. Also the largest file.</summary>
    [Range(1L << 20, 10L << 30)]
    public long TemporaryBytes { get; init; } = 512L << 20;

    /// <summary>Size of /dev/shm in bytes, 64 kB to 10 GB, default 64 MB; counted as the function's memory.</summary>
    [Range(64L << 10, 10L << 30)]
    public long SharedMemoryBytes { get; init; } = 64L << 20;

    /// <summary>Pre-booted sandboxes of each runtime that are always kept, 0 to 100, default 2.</summary>
    [Range(0, 100)]
    public int PoolMinimum { get; init; } = 2;

    /// <summary>Most pre-booted sandboxes of each runtime, 0 to 100, default 8. Between the two, as many as were taken in the last 10 s.</summary>
    [Range(0, 100)]
    public int PoolMaximum { get; init; } = 8;

    /// <summary>Sandboxes that boot at the same time, 1 to 64, default one per core.</summary>
    [Range(1, 64)]
    public int ConcurrentBoots { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 64);

    /// <summary>How long a boot may take, 1 s to 5 min, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan BootTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Invocations after which a sandbox is replaced, 1 to a billion, default a million.</summary>
    [Range(1, 1_000_000_000)]
    public int MaximumUses { get; init; } = 1_000_000;

    /// <summary>Age at which a sandbox is replaced, 1 s to 30 days, default 12 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan MaximumAge { get; init; } = TimeSpan.FromHours(12);

    /// <summary>
    /// Packages with more files are mounted into a sandbox that is booted for them, 0 to 100,000, default 2,000; those with fewer are
    /// linked into a pooled one, which takes some 10 µs a file.
    /// </summary>
    [Range(0, 100_000)]
    public int MostLinkedFiles { get; init; } = 2_000;

    /// <summary>Unpacked packages kept for the next sandbox, in bytes, 0 to 1 TB, default 2 GB.</summary>
    [Range(0, 1L << 40)]
    public long PackageCacheBytes { get; init; } = 2L << 30;

    /// <summary>
    /// Networks such as 10.1.0.0/16 that functions with egress may reach although their addresses are private or reserved; default none.
    /// The host itself, the platform's broker and database, link-local addresses and clouds' metadata services stay closed.
    /// </summary>
    public IReadOnlyList<string> AllowedNetworks { get; init; } = [];

    /// <summary>Name servers that functions' questions go to, at most three count; default those of the host's /etc/resolv.conf.</summary>
    public IReadOnlyList<string> NameServers { get; init; } = [];

    /// <summary>Where functions reach the gateway's own API ($FAAS_ENDPOINT leads there); default the own address in the embedded mode, else nowhere.</summary>
    public Uri? GatewayUrl { get; init; }

    /// <summary>Most connections of one sandbox at once, 1 to 10,000, default 256.</summary>
    [Range(1, 10_000)]
    public int ConnectionsPerSandbox { get; init; } = 256;

    /// <summary>How long connecting may take, 1 s to 2 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:02:00")]
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may be idle before it is reset, 1 s to 24 h, default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ConnectionIdleTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The directory that is used.</summary>
    internal string EffectiveDirectory => Directory is { Length: > 0 } given
        ? Path.GetFullPath(given)
        : Environment.IsPrivilegedProcess
            ? "/var/lib/faascluster/sandboxes"
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/state/faascluster/sandboxes");

    /// <summary>CPU of a function with the given memory; null for no limit.</summary>
    internal double? CoresFor(long memoryBytes) => LimitCpu ? Math.Max(MinimumCores, memoryBytes / (1769.0 * (1 << 20))) : null;
}

using System.Diagnostics;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Measures one load or run of a sandbox from outside.</summary>
internal readonly struct RunMeter
{
    private readonly SandboxProcess sandbox;
    private readonly bool hasPeak;
    private readonly TimeSpan? cpu;
    private readonly long outOfMemoryKills;
    private readonly long startedAt;

    private RunMeter(SandboxProcess sandbox)
    {
        this.sandbox = sandbox;
        hasPeak = sandbox.Cgroup.ResetPeakMemory();
        cpu = sandbox.ReadCpuTime();
        outOfMemoryKills = sandbox.Cgroup.ReadOutOfMemoryKills();
        startedAt = Stopwatch.GetTimestamp();
    }

    /// <summary>From the start until now.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(startedAt);

    /// <summary>
    /// Whether the kernel has killed something for memory since the start. The counter and not an exit status: a parent may live on
    /// when its child was killed, and answer as if nothing were.
    /// </summary>
    public bool RanOutOfMemory => sandbox.Cgroup.ReadOutOfMemoryKills() > outOfMemoryKills;

    /// <summary>CPU used since the start; null where nobody counts.</summary>
    public TimeSpan? CpuTime => cpu is { } before && sandbox.ReadCpuTime() is { } now && now > before ? now - before : cpu is null ? null : TimeSpan.Zero;

    /// <summary>Peak since the start; null where the kernel cannot tell it apart from the peak before.</summary>
    public long? PeakMemoryBytes => hasPeak ? sandbox.Cgroup.ReadPeakMemory() : null;

    public static RunMeter Start(SandboxProcess sandbox) => new(sandbox);
}

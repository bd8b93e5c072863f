using System.Globalization;

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>One sandbox in version 1: a directory in every controller.</summary>
internal sealed class CgroupV1 : ICgroup
{
    private const int PeriodMicroseconds = 100_000;

    private readonly Dictionary<string, string> directories;
    private readonly string memory;
    private readonly bool countsSwap;
    private readonly string? shares;
    private readonly string? quota;
    private readonly string? burst;
    private readonly CgroupFile peak;
    private readonly CgroupFile outOfMemory;
    private readonly CgroupFile? cpuTime;
    private long? memoryLimit;
    private long burstMicroseconds = -1;

    public CgroupV1(Dictionary<string, string> directories)
    {
        this.directories = directories;
        memory = directories["memory"];
        countsSwap = File.Exists(Path.Combine(memory, "memory.memsw.limit_in_bytes"));
        peak = new CgroupFile(Path.Combine(memory, "memory.max_usage_in_bytes"), isSettable: true);
        outOfMemory = new CgroupFile(Path.Combine(memory, "memory.oom_control"));
        cpuTime = directories.TryGetValue("cpuacct", out var directory) ? new CgroupFile(Path.Combine(directory, "cpuacct.usage")) : null;
        shares = FindCpu("cpu.shares");
        quota = FindCpu("cpu.cfs_quota_us");
        burst = FindCpu("cpu.cfs_burst_us");
        ProcsFiles = [.. directories.Values.Distinct().Select(path => Path.Combine(path, "cgroup.procs"))];
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ProcsFiles { get; }

    /// <inheritdoc/>
    public void SetLimits(CgroupLimits limits)
    {
        SetMemory(limits.MemoryBytes);
        CgroupFile.Write(Path.Combine(directories["pids"], "pids.max"), limits.Pids.ToString(CultureInfo.InvariantCulture));
        SetShare(limits.MemoryBytes);
        SetCores(limits.Cores);
    }

    /// <inheritdoc/>
    public void SetMemory(long bytes)
    {
        var limit = bytes.ToString(CultureInfo.InvariantCulture);
        if (!countsSwap)
        {
            CgroupFile.Write(Path.Combine(memory, "memory.limit_in_bytes"), limit);
            return;
        }

        // Memory alone may never be allowed more than memory and swap together, so growing and shrinking go in opposite order.
        memoryLimit ??= ReadMemoryLimit();
        var files = new[] { "memory.memsw.limit_in_bytes", "memory.limit_in_bytes" };
        foreach (var file in memoryLimit >= bytes ? files.Reverse() : files)
        {
            CgroupFile.Write(Path.Combine(memory, file), limit);
        }

        memoryLimit = bytes;
    }

    /// <inheritdoc/>
    public void SetShare(long memoryBytes)
    {
        if (shares is not null)
        {
            CgroupFile.Write(shares, CpuWeight.V1(memoryBytes).ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <inheritdoc/>
    public void SetCores(double? cores)
    {
        if (quota is null)
        {
            return;
        }

        // What was not used of the last periods may be used at once, so that a short call of a small function is not cut in pieces.
        // It may never be more than the quota, so it goes first and comes back last.
        var microseconds = cores is { } count ? (long)(count * PeriodMicroseconds) : -1;
        if (burstMicroseconds != 0)
        {
            SetBurst(0);
        }

        CgroupFile.Write(quota, microseconds.ToString(CultureInfo.InvariantCulture));
        if (microseconds > 0)
        {
            SetBurst(microseconds);
        }
    }

    /// <inheritdoc/>
    public TimeSpan? ReadCpuTime() => cpuTime is null ? null : TimeSpan.FromMicroseconds(cpuTime.ReadNumber() / 1000.0);

    /// <inheritdoc/>
    public bool ResetPeakMemory()
    {
        peak.Set("0"u8);
        return true;
    }

    /// <inheritdoc/>
    public long? ReadPeakMemory() => peak.ReadNumber();

    /// <inheritdoc/>
    public long ReadOutOfMemoryKills() => outOfMemory.ReadNumber("oom_kill"u8) ?? 0;

    /// <inheritdoc/>
    public void Kill()
    {
        // Frozen first: else a fork bomb makes new processes as fast as they are killed. They die when they thaw.
        var freezer = directories.TryGetValue("freezer", out var directory) ? Path.Combine(directory, "freezer.state") : null;
        TryWrite(freezer, "FROZEN");
        CgroupDirectory.KillAll(memory);
        TryWrite(freezer, "THAWED");
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await CgroupDirectory.RemoveAsync([.. directories.Values.Distinct()], Kill, cancellationToken);
        }
        finally
        {
            peak.Dispose();
            outOfMemory.Dispose();
            cpuTime?.Dispose();
        }
    }

    private string? FindCpu(string file) =>
        directories.TryGetValue("cpu", out var cpu) && Path.Combine(cpu, file) is var path && File.Exists(path) ? path : null;

    private long ReadMemoryLimit()
    {
        using var current = new CgroupFile(Path.Combine(memory, "memory.memsw.limit_in_bytes"));
        return current.ReadNumber();
    }

    private void SetBurst(long microseconds)
    {
        if (burst is not null)
        {
            CgroupFile.Write(burst, microseconds.ToString(CultureInfo.InvariantCulture));
        }

        burstMicroseconds = microseconds;
    }

    private static void TryWrite(string? path, string value)
    {
        try
        {
            if (path is not null)
            {
                CgroupFile.Write(path, value);
            }
        }
        catch (IOException)
        {
            // Without the freezer the kill is repeated until nothing is left.
        }
    }
}

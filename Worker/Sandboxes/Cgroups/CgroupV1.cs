using System.Globalization;

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>One sandbox in version 1: a directory in every controller.</summary>
internal sealed class CgroupV1 : ICgroup
{
    private const int PeriodMicroseconds = 100_000;

    private readonly Dictionary<string, string> directories;
    private readonly string memory;
    private readonly bool countsSwap;
    private readonly CgroupFile peak;
    private readonly CgroupFile outOfMemory;
    private readonly CgroupFile? cpuTime;

    public CgroupV1(Dictionary<string, string> directories)
    {
        this.directories = directories;
        memory = directories["memory"];
        countsSwap = File.Exists(Path.Combine(memory, "memory.memsw.limit_in_bytes"));
        peak = new CgroupFile(Path.Combine(memory, "memory.max_usage_in_bytes"), FileAccess.ReadWrite);
        outOfMemory = new CgroupFile(Path.Combine(memory, "memory.oom_control"));
        cpuTime = directories.TryGetValue("cpuacct", out var directory) ? new CgroupFile(Path.Combine(directory, "cpuacct.usage")) : null;
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
        var files = new[] { "memory.memsw.limit_in_bytes", "memory.limit_in_bytes" };
        using var current = new CgroupFile(Path.Combine(memory, "memory.memsw.limit_in_bytes"));
        foreach (var file in current.ReadNumber() >= bytes ? files.Reverse() : files)
        {
            CgroupFile.Write(Path.Combine(memory, file), limit);
        }
    }

    /// <inheritdoc/>
    public void SetShare(long memoryBytes)
    {
        if (directories.TryGetValue("cpu", out var cpu) && Path.Combine(cpu, "cpu.shares") is var shares && File.Exists(shares))
        {
            CgroupFile.Write(shares, CpuWeight.V1(memoryBytes).ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <inheritdoc/>
    public void SetCores(double? cores)
    {
        if (!directories.TryGetValue("cpu", out var cpu) || !File.Exists(Path.Combine(cpu, "cpu.cfs_quota_us")))
        {
            return;
        }

        // What was not used of the last periods may be used at once, so that a short call of a small function is not cut in pieces.
        var quota = cores is { } count ? (long)(count * PeriodMicroseconds) : -1;
        var burst = Path.Combine(cpu, "cpu.cfs_burst_us");
        if (File.Exists(burst))
        {
            CgroupFile.Write(burst, "0");
        }

        CgroupFile.Write(Path.Combine(cpu, "cpu.cfs_quota_us"), quota.ToString(CultureInfo.InvariantCulture));
        if (quota > 0 && File.Exists(burst))
        {
            CgroupFile.Write(burst, quota.ToString(CultureInfo.InvariantCulture));
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

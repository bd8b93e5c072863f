using System.Globalization;

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>One sandbox in version 2.</summary>
internal sealed class CgroupV2 : ICgroup
{
    private const int PeriodMicroseconds = 100_000;

    private readonly string directory;
    private readonly CgroupFile cpu;
    private readonly CgroupFile events;
    private readonly CgroupFile peak;
    private readonly bool hasPeak;
    private readonly bool canReset;

    public CgroupV2(string directory)
    {
        this.directory = directory;
        cpu = new CgroupFile(In("cpu.stat"));
        events = new CgroupFile(In("memory.events"));

        // From Linux 5.19 on; writable from 6.12 on, and only then may it be opened for writing.
        hasPeak = File.Exists(In("memory.peak"));
        canReset = hasPeak && File.GetUnixFileMode(In("memory.peak")).HasFlag(UnixFileMode.UserWrite);
        peak = new CgroupFile(In("memory.peak"), isSettable: canReset);
        ProcsFiles = [In("cgroup.procs")];
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ProcsFiles { get; }

    /// <inheritdoc/>
    public void SetLimits(CgroupLimits limits)
    {
        SetMemory(limits.MemoryBytes);
        if (File.Exists(In("memory.swap.max")))
        {
            CgroupFile.Write(In("memory.swap.max"), "0");
        }

        // One process out of memory is all of the function out of memory: a parent that lives on would hide it.
        if (File.Exists(In("memory.oom.group")))
        {
            CgroupFile.Write(In("memory.oom.group"), "1");
        }

        CgroupFile.Write(In("pids.max"), limits.Pids.ToString(CultureInfo.InvariantCulture));
        SetShare(limits.MemoryBytes);
        SetCores(limits.Cores);
    }

    /// <inheritdoc/>
    public void SetMemory(long bytes)
    {
        // Below what is in use, the kernel would take the limit and kill for it. Cached files do not count: they are dropped first.
        using var current = new CgroupFile(In("memory.current"));
        using var parts = new CgroupFile(In("memory.stat"));
        var cached = (parts.ReadNumber("active_file"u8) ?? 0) + (parts.ReadNumber("inactive_file"u8) ?? 0);
        if (current.ReadNumber() - cached is var used && used > bytes)
        {
            throw new IOException($"{In("memory.max")} cannot be {bytes}: {used} bytes are in use.");
        }

        CgroupFile.Write(In("memory.max"), bytes.ToString(CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public void SetShare(long memoryBytes)
    {
        if (File.Exists(In("cpu.weight")))
        {
            CgroupFile.Write(In("cpu.weight"), CpuWeight.V2(memoryBytes).ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <inheritdoc/>
    public void SetCores(double? cores)
    {
        if (!File.Exists(In("cpu.max")))
        {
            return;
        }

        var burst = File.Exists(In("cpu.max.burst"));
        if (burst)
        {
            CgroupFile.Write(In("cpu.max.burst"), "0");
        }

        var quota = cores is { } count ? (long)(count * PeriodMicroseconds) : -1;
        CgroupFile.Write(In("cpu.max"), string.Create(CultureInfo.InvariantCulture, $"{(quota > 0 ? quota : "max")} {PeriodMicroseconds}"));
        if (burst && quota > 0)
        {
            CgroupFile.Write(In("cpu.max.burst"), quota.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <inheritdoc/>
    public TimeSpan? ReadCpuTime() => cpu.ReadNumber("usage_usec"u8) is { } usage ? TimeSpan.FromMicroseconds(usage) : null;

    /// <summary>
    /// From Linux 6.12 on, any write makes memory.peak, read through the same open file, start anew. Before, the peak is that of
    /// the sandbox's whole life and must not pass for an invocation's.
    /// </summary>
    public bool ResetPeakMemory()
    {
        if (canReset)
        {
            peak.Set("reset"u8);
        }

        return canReset;
    }

    /// <inheritdoc/>
    public long? ReadPeakMemory() => hasPeak ? peak.ReadNumber() : null;

    /// <inheritdoc/>
    public long ReadOutOfMemoryKills() => events.ReadNumber("oom_kill"u8) ?? 0;

    /// <inheritdoc/>
    public void Kill()
    {
        try
        {
            if (File.Exists(In("cgroup.kill")))
            {
                CgroupFile.Write(In("cgroup.kill"), "1");
                return;
            }
        }
        catch (IOException)
        {
            // One by one, then.
        }

        // Before Linux 5.14. Without a freeze a fork bomb may outrun this; it is repeated until nothing is left.
        CgroupDirectory.KillAll(directory);
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await CgroupDirectory.RemoveAsync([directory], Kill, cancellationToken);
        }
        finally
        {
            cpu.Dispose();
            events.Dispose();
            peak.Dispose();
        }
    }

    private string In(string file) => Path.Combine(directory, file);
}

using FaasCluster.Worker.Sandboxes.Cgroups;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>The parsers and writers of control files, against trees of plain files; the real version 1 files are used by every sandbox test on such a host.</summary>
public sealed class CgroupTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("faas-cgroup-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void Mounts_OfAHybridHost_AreFoundByController()
    {
        var mounts = CgroupMounts.Parse(
            """
            30 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
            32 25 0:28 / /sys/fs/cgroup/memory rw,relatime shared:10 master:2 - cgroup cgroup rw,memory
            """,
            "4:memory:/user.slice\n2:cpu,cpuacct:/a b\n0::/unified\n");
        Assert.Equal("/sys/fs/cgroup/memory/user.slice", mounts.FindV1("memory"));
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct/a b", mounts.FindV1("cpuacct"));
        Assert.Equal("/sys/fs/cgroup/memory/given", mounts.FindV1("memory", "/given"));
        Assert.Null(mounts.FindV1("pids"));
        Assert.Equal("/sys/fs/cgroup/unified/unified", mounts.FindV2());
    }

    [Fact]
    public void Mounts_InAContainer_AreRelativeToWhatIsMounted()
    {
        var mounts = CgroupMounts.Parse("32 25 0:28 /docker/abc /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory", "4:memory:/docker/abc\n");
        Assert.Equal("/sys/fs/cgroup/memory", mounts.FindV1("memory"));
        mounts = CgroupMounts.Parse("32 25 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate", "0::/\n");
        Assert.Equal("/sys/fs/cgroup", mounts.FindV2());
        Assert.Null(mounts.FindV1("memory"));
    }

    [Fact]
    public void Mounts_OfNonsense_AreNone() => Assert.Null(CgroupMounts.Parse("\n1 2 3\n- - -\n32 25 0:28 / /x\n", "nonsense\n").FindV2());

    [Fact]
    public void Version2_WithDelegatedControllers_MovesTheWorkerToALeafAndHandsThemDown()
    {
        var own = MakeVersion2("own", controllers: "cpuset cpu io memory pids", processes: "12\n34\n");
        MakeFiles(Path.Combine(own, CgroupV2Hierarchy.WorkerLeaf), ("cgroup.procs", ""));
        var worker = MakeVersion2("own/faascluster-0", controllers: "cpu memory pids", processes: "");
        var slot = MakeVersion2("own/faascluster-0/slot-1", controllers: "", processes: "");

        var hierarchy = CgroupV2Hierarchy.TryCreate(own, "faascluster-0", out var problem);

        Assert.Null(problem);
        // Plain files keep the last write; the kernel moves each process.
        Assert.Equal("34", Read(own, CgroupV2Hierarchy.WorkerLeaf, "cgroup.procs"));
        Assert.Equal("+memory +pids +cpu", Read(own, "cgroup.subtree_control"));
        Assert.Equal("+memory +pids +cpu", Read(worker, "cgroup.subtree_control"));

        var cgroup = hierarchy!.Create("slot-1");
        cgroup.SetLimits(new CgroupLimits(256L << 20, 512, 0.25));
        Assert.Equal("268435456", Read(slot, "memory.max"));
        Assert.Equal("0", Read(slot, "memory.swap.max"));
        Assert.Equal("1", Read(slot, "memory.oom.group"));
        Assert.Equal("512", Read(slot, "pids.max"));
        Assert.Equal("256", Read(slot, "cpu.weight"));
        Assert.Equal("25000 100000", Read(slot, "cpu.max"));
        Assert.Equal("25000", Read(slot, "cpu.max.burst"));
        cgroup.SetCores(null);
        Assert.StartsWith("max 100000", Read(slot, "cpu.max"));
        Assert.Equal([Path.Combine(slot, "cgroup.procs")], cgroup.ProcsFiles);
    }

    [Fact]
    public void Version2_MemoryLimitBelowWhatIsInUse_IsRefused_CachedFilesLeftOut()
    {
        var slot = MakeVersion2("slot", controllers: "", processes: "");
        File.WriteAllText(Path.Combine(slot, "memory.current"), "10000\n");
        File.WriteAllText(Path.Combine(slot, "memory.stat"), "anon 3000\nfile 7000\nshmem 1000\ninactive_file 2000\nactive_file 4000\n");
        var cgroup = new CgroupV2(slot);
        var exception = Assert.Throws<IOException>(() => cgroup.SetMemory(3999));
        Assert.Contains("4000 bytes are in use", exception.Message);
        Assert.Equal("", Read(slot, "memory.max"));
        cgroup.SetMemory(4000);
        Assert.Equal("4000", Read(slot, "memory.max"));
    }

    [Fact]
    public void Version2_OfASecondWorkerInTheLeaf_UsesTheSameParent()
    {
        var own = MakeVersion2("own", controllers: "memory pids", processes: "");
        File.WriteAllText(Path.Combine(own, "cgroup.subtree_control"), "memory pids\n");
        var leaf = MakeVersion2("own/" + CgroupV2Hierarchy.WorkerLeaf, controllers: "memory pids", processes: "12\n");
        MakeVersion2("own/faascluster-1", controllers: "memory pids", processes: "");
        var hierarchy = CgroupV2Hierarchy.TryCreate(leaf, "faascluster-1", out var problem);
        Assert.Null(problem);
        Assert.Contains(Path.Combine(own, "faascluster-1"), hierarchy!.Description);
        Assert.Equal("memory pids\n", Read(own, "cgroup.subtree_control"));
    }

    [Fact]
    public void Version2_WithoutTheControllers_SaysWhichFileHoldsWhat()
    {
        var own = MakeVersion2("own", controllers: "cpu pids", processes: "");
        Assert.Null(CgroupV2Hierarchy.TryCreate(own, "faascluster-0", out var problem));
        Assert.Contains("cgroup.controllers holds 'cpu pids'; expected memory too", problem);
    }

    [Fact]
    public void Version2_Counters_AreRead()
    {
        var slot = MakeVersion2("slot", controllers: "", processes: "");
        File.WriteAllText(Path.Combine(slot, "cpu.stat"), "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n");
        File.WriteAllText(Path.Combine(slot, "memory.events"), "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 1\n");
        File.WriteAllText(Path.Combine(slot, "memory.peak"), "104857600\n");
        var cgroup = new CgroupV2(slot);
        Assert.Equal(TimeSpan.FromMicroseconds(1234567), cgroup.ReadCpuTime());
        Assert.Equal(2, cgroup.ReadOutOfMemoryKills());
        Assert.Equal(100L << 20, cgroup.ReadPeakMemory());
        Assert.True(cgroup.ResetPeakMemory());
        Assert.StartsWith("reset", Read(slot, "memory.peak"));
        cgroup.Kill();
        Assert.Equal("1", Read(slot, "cgroup.kill"));
    }

    [Fact]
    public void Version2_OfAKernelThatCannotResetThePeak_SaysSo()
    {
        var slot = MakeVersion2("slot", controllers: "", processes: "");
        File.SetUnixFileMode(Path.Combine(slot, "memory.peak"), UnixFileMode.UserRead);
        Assert.False(new CgroupV2(slot).ResetPeakMemory());
        File.Delete(Path.Combine(slot, "memory.peak"));
        var old = new CgroupV2(slot);
        Assert.False(old.ResetPeakMemory());
        Assert.Null(old.ReadPeakMemory());
    }

    [Fact]
    public void File_ThatHoldsSomethingElse_IsQuoted()
    {
        var path = Path.Combine(root, "cpuacct.usage");
        File.WriteAllText(path, "many\n");
        using var file = new CgroupFile(path);
        var exception = Assert.Throws<IOException>(() => file.ReadNumber());
        Assert.Equal($"{path} holds 'many'; expected a number.", exception.Message);
        exception = Assert.Throws<IOException>(() => CgroupFile.Write(Path.Combine(root, "missing"), "5"));
        Assert.Contains("does not take '5'", exception.Message);
    }

    private string MakeVersion2(string name, string controllers, string processes)
    {
        var directory = Path.Combine(root, name);
        MakeFiles(
            directory,
            ("cgroup.controllers", controllers + "\n"), ("cgroup.subtree_control", ""), ("cgroup.procs", processes), ("cgroup.type", "domain\n"), ("cgroup.kill", ""),
            ("memory.max", ""), ("memory.current", "0\n"), ("memory.stat", ""), ("memory.swap.max", ""), ("memory.oom.group", ""), ("memory.peak", ""), ("memory.events", ""),
            ("pids.max", ""), ("cpu.max", ""), ("cpu.weight", ""), ("cpu.max.burst", ""), ("cpu.stat", ""));
        return directory;
    }

    private static void MakeFiles(string directory, params (string Name, string Text)[] files)
    {
        Directory.CreateDirectory(directory);
        foreach (var (name, text) in files)
        {
            File.WriteAllText(Path.Combine(directory, name), text);
        }
    }

    private static string Read(params string[] parts) => File.ReadAllText(Path.Combine(parts));
}

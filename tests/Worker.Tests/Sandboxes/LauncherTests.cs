using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Native;
using FaasCluster.Worker.Sandboxes.Pool;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>What the launcher gives to what it starts, without a runtime on top.</summary>
public sealed class LauncherTests : IAsyncLifetime
{
    private const int RLIMIT_NOFILE = 7;

    private readonly string root;
    private readonly EventLoop loop = new(exception => Assert.Fail(exception.ToString()));
    private InstanceDirectory directory = null!;
    private ICgroupHierarchy cgroups = null!;
    private SandboxOptions options = null!;

    public LauncherTests()
        : this(SandboxFixture.MakeRoot())
    {
    }

    internal LauncherTests(string root) => this.root = root;

    public ValueTask InitializeAsync()
    {
        options = new SandboxOptions { Isolation = SandboxFixture.Isolation, Directory = Path.Combine(root, "state"), Cgroup = Environment.GetEnvironmentVariable("FAAS_TEST_CGROUP"), MaximumSandboxes = 2 };
        directory = InstanceDirectory.Take(options.EffectiveDirectory);
        RootTree.Build(directory.RootTree, Path.Combine(AppContext.BaseDirectory, "runtimes"));
        cgroups = CgroupDetector.Detect(options.Cgroup, directory.Name);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        loop.Dispose();
        cgroups.Remove();
        directory.Dispose();
        Directory.Delete(root, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Environment_IsWhatWasGivenAndNothingElse()
    {
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        var names = (await RunAsync(launcher, "/usr/bin/env")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]);
        Assert.Equal(["FAAS_OWNER", "HOME", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "PATH", "PWD", "TZ"], names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Signals_AreNeitherBlockedNorIgnored()
    {
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        var status = await RunAsync(launcher, "cat", "/proc/self/status");
        Assert.Contains("SigBlk:\t0000000000000000", status);
        Assert.Contains("SigIgn:\t0000000000000000", status);
    }

    [Fact]
    public async Task Sandboxes_MoreThanAllowed_AreRefusedAndLeaveNothing()
    {
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        var sleepers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => launcher.LaunchAsync(Request("sleep", "1000"))));
        var exception = await Assert.ThrowsAsync<IOException>(() => launcher.LaunchAsync(Request("true")));
        Assert.Contains("Sandbox:MaximumSandboxes", exception.Message);
        await sleepers[0].EndAsync();
        Assert.Equal("again\n", await RunAsync(launcher, "echo", "again"));
        Assert.Equal(1, launcher.Running);
    }

    [Fact]
    public async Task Program_ThatDoesNotExist_ExitsAndSaysSo()
    {
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        var log = new TestLog();
        await using var sandbox = await launcher.LaunchAsync(Request("/nothing") with { Log = log });
        Assert.NotEqual(0, (await sandbox.Exited).Status);
        sandbox.Output.End();
        Assert.Contains("/nothing", log.Text);
    }

    [Fact]
    public async Task Boot_ThatTakesTooLong_IsGivenUpAndLeavesNothing()
    {
        // A real one can be ready before a busy machine looks at its clock, however short the time is.
        await File.WriteAllTextAsync(Path.Combine(directory.RootTree, "var", "runtime", "python", "main.py"), "import time\ntime.sleep(1000)\n");
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        var booter = new SandboxBooter(launcher, null!, options with { BootTimeout = TimeSpan.FromMilliseconds(1) });
        var exception = await Assert.ThrowsAsync<BootException>(() => booter.BootAsync(RuntimeCommand.For(RuntimeIds.Python3, 0), null, CancellationToken.None));
        Assert.Contains("not ready after 0.001 s", exception.Message);
        Assert.Equal(0, launcher.Running);
        Assert.Empty(Directory.GetDirectories(directory.Slots));
    }

    [Fact]
    public async Task Boot_OfWhatEnds_SaysHowItEndedAndWhatItSaid()
    {
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        var booter = new SandboxBooter(launcher, null!, options with { PythonPath = "/usr/bin/cat" });
        var exception = await Assert.ThrowsAsync<BootException>(() => booter.BootAsync(RuntimeCommand.For(RuntimeIds.Python3, 0), null, CancellationToken.None));
        Assert.StartsWith("A sandbox for python3 did not start: its process exited with status 1. /usr/bin/cat: invalid option -- 'I'", exception.Message);
    }

    [Fact]
    public void Names_OfWorkersWithDirectoriesAtTheSamePath_AreNotTheSame()
    {
        // As in two containers: a worker ends whatever it sees of its own name when it starts.
        var path = Path.Combine(root, "elsewhere");
        using var first = InstanceDirectory.Take(path);
        using var second = InstanceDirectory.Take(path);
        Directory.Move(path, path + "-of-one-container");
        using var other = InstanceDirectory.Take(path);

        Assert.Equal($"{first.Name[..^1]}1", second.Name);
        Assert.NotEqual(first.Name, other.Name);
        Assert.Equal(first.Number, other.Number);
    }

    [Fact]
    public void Name_ThatWasLost_IsDrawnAgain()
    {
        var path = Path.Combine(root, "elsewhere");
        InstanceDirectory.Take(path).Dispose();
        File.WriteAllText(Path.Combine(path, "name"), "");

        using var instance = InstanceDirectory.Take(path);

        // Not always the first's number: a process that another test starts just now holds for a moment what it inherits.
        Assert.Matches("^faascluster-[0-9a-f]{8}-[01]$", instance.Name);
    }

    [Fact]
    public async Task Users_OfTwoWorkers_AreNeverTheSame_WhateverTheirMaximumIs()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give every sandbox a user of its own.");
        using var second = InstanceDirectory.Take(options.EffectiveDirectory);
        RootTree.Build(second.RootTree, Path.Combine(AppContext.BaseDirectory, "runtimes"));
        await using var launcher = new SandboxLauncher(options with { MaximumSandboxes = 1 }, second, cgroups, loop);
        await using var sandbox = await launcher.LaunchAsync(Request("sleep", "1000"));
        var user = options.UserIdBase + SandboxOptions.MostSandboxes;
        await Wait.UntilAsync(() => File.ReadAllText($"/proc/{sandbox.ProcessId}/status").Contains($"Uid:\t{user}\t{user}"));
    }

    /// <summary>Launches with room for 0, 1, 2 ... descriptors until one succeeds. In a process of its own: the limit is the process's.</summary>
    internal async Task RunOutOfDescriptorsAsync()
    {
        await using var launcher = new SandboxLauncher(options, directory, cgroups, loop);
        Assert.True(await TryAsync(launcher));
        var before = Descriptors();
        var free = Enumerable.Range(0, 10_000).Except(before.Keys).Take(50).ToList();
        var room = 0;
        for (var succeeded = false; !succeeded; room++)
        {
            Assert.True(room < free.Count, "No launch succeeded.");
            var limit = SetMostDescriptors((ulong)free[room]);
            succeeded = await TryAsync(launcher);
            SetMostDescriptors(limit);
        }

        Assert.InRange(room, 8, free.Count);
        Assert.Equal("again\n", await RunAsync(launcher, "echo", "again"));

        // .NET opens libraries when they are first used, and the listing itself is open while it is read.
        Assert.DoesNotContain(Descriptors().ExceptBy(before.Keys, pair => pair.Key), pair => pair.Value is { } target && !target.EndsWith(".dll", StringComparison.Ordinal));
        Assert.Equal(0, launcher.Running);
        Assert.Empty(Directory.GetDirectories(directory.Slots));
        Assert.Equal("", string.Concat(Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText(Path.Combine(task, "children")))));
    }

    private static async Task<bool> TryAsync(SandboxLauncher launcher)
    {
        try
        {
            await using var sandbox = await launcher.LaunchAsync(Request("true"));
            return (await sandbox.Exited).Status == 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static Dictionary<int, string?> Descriptors() => Directory.GetFiles("/proc/self/fd")
        .ToDictionary(path => int.Parse(Path.GetFileName(path)), path => new FileInfo(path).LinkTarget);

    private static unsafe ulong SetMostDescriptors(ulong soft)
    {
        var limits = stackalloc ulong[2];
        Assert.Equal(0, Libc.prlimit(0, RLIMIT_NOFILE, null, limits));
        var previous = limits[0];
        limits[0] = soft;
        Assert.Equal(0, Libc.prlimit(0, RLIMIT_NOFILE, limits, null));
        return previous;
    }

    private static LaunchRequest Request(params string[] command) => new()
    {
        Command = command,
        Limits = new CgroupLimits(64L << 20, 64, Cores: null),
        ResultLimit = 64 << 10,
        Log = new TestLog(),
    };

    private static async Task<string> RunAsync(SandboxLauncher launcher, params string[] command)
    {
        var log = new TestLog();
        await using var sandbox = await launcher.LaunchAsync(Request(command) with { Log = log });
        var exit = await sandbox.Exited;
        sandbox.Output.End();
        Assert.True(exit.Status == 0, $"{exit}: {log.Text}");
        return Encoding.UTF8.GetString(sandbox.Output.Result!.Bytes.Span);
    }
}

using System.Text;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>What the launcher gives to what it starts, without a runtime on top.</summary>
public sealed class LauncherTests : IAsyncLifetime
{
    private readonly string root = SandboxFixture.MakeRoot();
    private readonly EventLoop loop = new(exception => Assert.Fail(exception.ToString()));
    private InstanceDirectory directory = null!;
    private ICgroupHierarchy cgroups = null!;
    private SandboxOptions options = null!;

    public ValueTask InitializeAsync()
    {
        options = new SandboxOptions { Directory = Path.Combine(root, "state"), Cgroup = Environment.GetEnvironmentVariable("FAAS_TEST_CGROUP"), MaximumSandboxes = 2 };
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

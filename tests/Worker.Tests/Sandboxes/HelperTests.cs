using System.Diagnostics;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;
using Microsoft.Extensions.Logging.Abstractions;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>A worker in a process of its own, to be killed.</summary>
public sealed class HelperTests
{
    private const string RootVariable = "FAAS_TEST_HELPER_ROOT";
    private const string ReadyFile = "FAAS_TEST_HELPER_READY";

    /// <summary>Starts it with one sandbox in use; returns when that runs.</summary>
    internal static async Task<(Process Worker, string Name)> StartAsync(string root)
    {
        var ready = Path.Combine(root, Path.GetRandomFileName());
        var (worker, output) = Start(root, typeof(HelperTests), nameof(Worker_HoldsSandboxesUntilItIsKilled), ready);
        try
        {
            await Wait.UntilAsync(() => File.Exists(ready) || worker.HasExited, () => "The worker does not become ready.", seconds: 180);
        }
        catch
        {
            // It would hold what is cleaned up next.
            worker.Kill();
            throw;
        }

        Assert.False(worker.HasExited, worker.HasExited ? await output : "");
        return (worker, await File.ReadAllTextAsync(ready));
    }

    /// <summary>Runs one of this class's tests in a process of its own.</summary>
    internal static async Task RunAsync(string root, string method)
    {
        await RunAsync(root, typeof(HelperTests), method);
    }

    /// <summary>Runs an explicit test of another class in a process of its own: what the whole process has or uses is that test's alone there.</summary>
    internal static Task RunAloneAsync(Type type, string method) => RunAsync("", type, method);

    private static async Task RunAsync(string root, Type type, string method)
    {
        var (process, output) = Start(root, type, method);
        using (process)
        {
            var text = await output;
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0 && !text.Contains("Total: 0,", StringComparison.Ordinal), text);
        }
    }

    /// <summary>Removes what killed workers left, as the next worker would.</summary>
    internal static async Task CleanAsync(string root)
    {
        var options = new SandboxOptions { Isolation = SandboxFixture.Isolation, Directory = Path.Combine(root, "state"), Cgroup = Environment.GetEnvironmentVariable("FAAS_TEST_CGROUP") };
        using (var instance = InstanceDirectory.Take(options.EffectiveDirectory))
        {
            var cgroups = CgroupDetector.Detect(options.Cgroup, instance.Name);
            await Sweep.RunAsync(options, instance, cgroups, NullLogger.Instance);
            cgroups.Remove();
        }

        // What was killed with its worker half-way through a start goes in its own time, and may still make a file.
        await DeleteAsync(root);
    }

    /// <summary>Removes a directory into which something that dies just now may still write.</summary>
    internal static Task DeleteAsync(string root) => Wait.UntilAsync(() => TryDelete(root), () => $"'{root}' is still written to: {string.Join(' ', Directory.GetFileSystemEntries(root, "*", SearchOption.AllDirectories))}");

    private static bool TryDelete(string root)
    {
        try
        {
            Directory.Delete(root, recursive: true);
        }
        catch (IOException)
        {
            // Looked at below: it is gone, or the next try removes it.
        }

        return !Directory.Exists(root);
    }

    [Fact(Explicit = true)]
    public async Task Worker_HoldsSandboxesUntilItIsKilled()
    {
        var root = Environment.GetEnvironmentVariable(RootVariable) ?? throw new InvalidOperationException("Run by LifeTests alone.");
        var fixture = new KilledFixture(root);
        await fixture.InitializeAsync();
        var revision = fixture.Python("import time\ndef handler(e, c):\n    print('running', flush=True)\n    time.sleep(600)", manifest => manifest with { Timeout = TimeSpan.FromMinutes(10) });
        var sandbox = await fixture.StartAsync(revision);
        var log = new TestLog();
        var run = sandbox.InvokeAsync(SandboxFixture.Message(revision), log, CancellationToken.None);
        await Wait.UntilAsync(() => log.Lines.Count > 0 && fixture.Host.Pools.Ready >= 2, () => $"{log.Text}, {fixture.Host.Pools.Ready} pooled", seconds: 120);
        var ready = Environment.GetEnvironmentVariable(ReadyFile)!;
        await File.WriteAllTextAsync(ready + ".part", fixture.Host.Name);
        File.Move(ready + ".part", ready);

        // Ends with whoever started it, also if that is killed itself.
        await Task.WhenAny(run, Console.OpenStandardInput().ReadAsync(new byte[1]).AsTask());
        await fixture.DisposeAsync();
    }

    [Fact(Explicit = true)]
    public async Task Launcher_RunsOutOfDescriptors()
    {
        var root = Environment.GetEnvironmentVariable(RootVariable) ?? throw new InvalidOperationException("Run by LeakTests alone.");
        await using var tests = new LauncherTests(root);
        await tests.InitializeAsync();
        await tests.RunOutOfDescriptorsAsync();
    }

    private static (Process Process, Task<string> Output) Start(string root, Type type, string method, string ready = "")
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [RootVariable] = root, [ReadyFile] = ready },
        };
        foreach (var argument in new[] { "-explicit", "only", "-method", $"{type.FullName}.{method}" })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        _ = process.StandardError.ReadToEndAsync();
        return (process, process.StandardOutput.ReadToEndAsync());
    }

    private sealed class KilledFixture(string root) : SandboxFixture(root);
}

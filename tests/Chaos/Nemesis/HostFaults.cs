using System.Diagnostics;
using FaasCluster.Chaos.Functions;
using FaasCluster.Chaos.Platforms;

namespace FaasCluster.Chaos.Nemesis;

/// <summary>What happens to the platform's own processes.</summary>
internal static class HostFaults
{
    // A second where there is time for it (Worker.Tests); here the cores are all taken. What nobody ends stays for good.
    private static readonly TimeSpan SandboxesGone = TimeSpan.FromSeconds(20);

    // Twice the heartbeat of 15 s is what the broker waits for a silent client; RabbitMQ adds up to half of it.
    private const double BeyondPatience = 40;

    public static IReadOnlyList<FaultKind> OfBothModes { get; } =
    [
        new("01 worker killed", async scene => await KillAsync(scene, await scene.BusyWorkerAsync())),
        new("01 worker crashed after a run", scene => CrashAsync(scene, scene.Worker(), "after-run")),
        new("02 worker crashed between commit and acknowledgement", scene => CrashAsync(scene, scene.Worker(), "after-commit")),
        new("05 gateway crashed before the publish", scene => CrashAsync(scene, scene.Gateway(), "before-publish")),
        new("05 gateway crashed between confirm and 202", scene => CrashAsync(scene, scene.Gateway(), "after-confirm")),
        new("05 gateway crashed between the outbox's publish and delete", scene => CrashAsync(scene, scene.Gateway(), "after-outbox-publish")),
        new("18 worker told to stop", StopAsync),
        new("20 deploy while invoked", DeployAsync),
    ];

    /// <summary>What a control run is caught by, whatever else the worker does at that moment.</summary>
    public static FaultKind OfControl { get; } = new(
        "02 worker crashed between acknowledgement and commit", async scene => await CrashAsync(scene, await scene.BusyWorkerAsync(), "after-acknowledgement"));

    public static IReadOnlyList<FaultKind> OfClusters { get; } =
    [
        new("05 gateway killed", scene => KillAsync(scene, scene.Gateway())),
        new("03 worker stopped for a while", scene => SuspendAsync(scene, 2, 6)),
        new("03 worker stopped past the broker's patience", scene => SuspendAsync(scene, BeyondPatience, BeyondPatience + 5)),
    ];

    private static async Task KillAsync(FaultScene scene, HostSlot host)
    {
        var sandboxes = ProcessTree.Below(host.Process.Id);
        await host.Process.KillAsync();
        FaultScene.Confirm(host.Process.HasExited, $"{host.Name} is gone");
        scene.Healed();
        await EndedAsync(scene, host, sandboxes);
        await scene.LastAsync(0, 3);
        await host.StartAsync();
    }

    private static async Task CrashAsync(FaultScene scene, HostSlot host, string point)
    {
        var sandboxes = ProcessTree.Below(host.Process.Id);
        await File.WriteAllTextAsync(host.CrashFile + ".new", point);
        File.Move(host.CrashFile + ".new", host.CrashFile, overwrite: true);
        try
        {
            await FaultScene.ConfirmAsync(() => Task.FromResult(host.Process.HasExited), $"{host.Name} crashes {point}");
        }
        catch (FaultNotConfirmedException)
        {
            File.Delete(host.CrashFile);
            throw;
        }

        FaultScene.Confirm(!File.Exists(host.CrashFile), $"{host.Name} crashed {point} and nowhere else");
        scene.Healed();
        await EndedAsync(scene, host, sandboxes);
        await scene.LastAsync(0, 3);
        await host.StartAsync();
    }

    private static async Task SuspendAsync(FaultScene scene, double least, double most)
    {
        var host = scene.Worker();
        host.Process.Suspend();
        await FaultScene.ConfirmAsync(() => Task.FromResult(State(host.Process.Id) == 'T'), $"{host.Name} is stopped");
        await scene.LastAsync(least, most);
        FaultScene.Confirm(State(host.Process.Id) == 'T', $"{host.Name} is still stopped");
        host.Process.Resume();
        scene.Healed();
    }

    private static async Task StopAsync(FaultScene scene)
    {
        var host = scene.Worker();
        scene.Healed();
        var status = await host.Process.StopAsync();
        if (status != 0)
        {
            scene.Findings.Add("drain", $"{host.Name} ended with status {status} at SIGTERM");
        }

        await host.StartAsync();
    }

    private static async Task DeployAsync(FaultScene scene)
    {
        var before = FaultScene.Version;
        var function = TestFunctions.Version(++FaultScene.Version);
        var deployed = await scene.Client.DeployFileAsync(function.FileName, function.Source, function.Manifest);
        FaultScene.Confirm(deployed.Revision > before, "there is a new revision");
        scene.Healed();
    }

    private static async Task EndedAsync(FaultScene scene, HostSlot host, IReadOnlyList<int> sandboxes)
    {
        var clock = Stopwatch.StartNew();
        while (sandboxes.Any(process => Directory.Exists($"/proc/{process}") && State(process) is not ('Z' or 'X') && IsOurs(process, scene.Platform)))
        {
            if (clock.Elapsed > SandboxesGone)
            {
                scene.Findings.Add("processes left", $"sandboxes of {host.Name} live {clock.Elapsed.TotalSeconds:0.0} s after it was killed");
                return;
            }

            await Task.Delay(20);
        }
    }

    // The id may be somebody else's by now.
    private static bool IsOurs(int process, Platform platform)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cgroup").Contains(platform.SandboxName, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static char State(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return 'X';
        }
    }
}

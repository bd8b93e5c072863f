using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Storage.Packages;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Isolation;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Network;
using FaasCluster.Worker.Sandboxes.Pool;
using FaasCluster.Worker.Sandboxes.Wasm;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// Everything that the sandboxes of one worker share, in the order of its making: directory, cgroups, threads, canary, pools.
/// Disposing ends every sandbox and removes all of it.
/// </summary>
internal sealed class SandboxHost(
    IPackageStore packages, SandboxStatus status, IOptions<SandboxOptions> options, NetworkServices network, TimeProvider time, ILogger<SandboxHost> logger, Defences defences)
    : IAsyncDisposable
{
    private readonly Lock gate = new();
    private Task<string?>? start;
    private InstanceDirectory? directory;
    private EventLoop? loop;

    public SandboxStatus Status => status;

    /// <summary>The worker among those of this host; in the names of its cgroups and in the command lines of its sandboxes.</summary>
    public string Name => directory?.Name ?? "";

    /// <summary>The directory that becomes the root of every sandbox.</summary>
    public string RootTree => directory?.RootTree ?? "";

    public ICgroupHierarchy Cgroups { get; private set; } = new NoCgroups("not started");

    public SandboxLauncher Launcher { get; private set; } = null!;

    public SandboxNetworks Networks { get; private set; } = null!;

    public SandboxBooter Booter { get; private set; } = null!;

    public SandboxPools Pools { get; private set; } = null!;

    public PackageCache Packages { get; private set; } = null!;

    /// <summary>Null if this host cannot run WebAssembly.</summary>
    public WasmHost? Wasm { get; private set; }

    /// <summary>Makes everything, once. The result is null, or why the worker must not take work.</summary>
    public Task<string?> StartAsync()
    {
        lock (gate)
        {
            return start ??= Task.Run(StartOnceAsync);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<string?>? started;
        lock (gate)
        {
            started = start ??= Task.FromResult<string?>("It is stopping.");
        }

        await started;
        await (Pools?.DisposeAsync() ?? default);
        await (Wasm?.DisposeAsync() ?? default);
        try
        {
            await (Launcher?.DisposeAsync() ?? default);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException)
        {
            SandboxLog.NotRemoved(logger, exception);
        }

        await (Networks?.DisposeAsync() ?? default);
        await (Packages?.DisposeAsync() ?? default);
        loop?.Dispose();
        Cgroups.Remove();
        directory?.Dispose();
    }

    private async Task<string?> StartOnceAsync()
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            status.Problem = await PrepareAsync();
        }
        catch (Exception exception)
        {
            status.Problem = $"Sandboxes cannot be started: {exception.Message}";
        }

        if (status.Problem is { } problem)
        {
            SandboxLog.NotTight(logger, problem);
            return problem;
        }

        SandboxLog.Ready(logger, status.Isolation, status.Cgroups, string.Join(' ', status.Runtimes), (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        return null;
    }

    private async Task<string?> PrepareAsync()
    {
        var settings = options.Value;
        if (Requirements.FindProblem(settings) is { } problem)
        {
            return problem;
        }

        status.Isolation = Isolators.For(settings, defences).Describe();
        directory = InstanceDirectory.Take(settings.EffectiveDirectory);
        Launch.RootTree.Build(directory.RootTree, Path.Combine(AppContext.BaseDirectory, "runtimes"));
        Cgroups = defences.Cgroup ? CgroupDetector.Detect(settings.Cgroup, directory.Name) : new NoCgroups("switched off", MemoryEnforcement.Full);
        status.Cgroups = Cgroups.Description;
        status.MemoryEnforcement = Cgroups.Enforcement;
        Warn();

        await Sweep.RunAsync(settings, directory, Cgroups, logger);
        Packages = new PackageCache(packages, directory.Packages, settings.PackageCacheBytes, defences, time, logger);
        loop = new EventLoop(exception => SandboxLog.EventFailed(logger, exception));
        Launcher = new SandboxLauncher(settings, directory, Cgroups, loop, defences);
        Networks = new SandboxNetworks(network, loop, logger);
        await Networks.StartAsync();
        Booter = new SandboxBooter(Launcher, Networks, settings);
        Pools = new SandboxPools(Booter, settings, time, logger);
        Wasm = WasmHost.TryStart(Launcher, settings, time, logger);

        // The canary and the first sandboxes of the pools start side by side: neither depends on the other.
        status.Runtimes = [.. RuntimeIds.All.Where(runtime => RuntimeCommand.IsInstalled(settings, runtime))];
        if (Wasm is null)
        {
            status.Runtimes = [.. status.Runtimes.Where(runtime => runtime != RuntimeIds.Wasm)];
        }

        var filled = Pools.FillAsync(status.Runtimes);
        if (defences.Canary && await new Canary(Launcher, Networks, settings, network.Platform, directory).FindProblemAsync() is { } leak)
        {
            return leak;
        }

        status.Runtimes = [.. status.Runtimes.Except(await filled)];
        status.EgressProblem = Networks.EgressProblem;
        return null;
    }

    private void Warn()
    {
        if (Cgroups.Enforcement == MemoryEnforcement.PerProcess)
        {
            SandboxLog.NotEnforced(logger, Cgroups.Description);
        }
        else if (Cgroups.Enforcement == MemoryEnforcement.WithoutSwap)
        {
            SandboxLog.SwapNotCounted(logger, Cgroups.Description);
        }
    }
}

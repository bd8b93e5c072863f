using System.Diagnostics;
using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Pool;
using FaasCluster.Worker.Sandboxes.Provided;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Starts sandboxes of every runtime. What it needs of the host is made when somebody first waits for it to be ready.</summary>
internal sealed class SandboxFactory(SandboxHost host, ProvidedStarter provided, IOptions<SandboxOptions> options, TimeProvider time) : ISandboxFactory
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Runtimes => host.Status.Runtimes;

    /// <inheritdoc/>
    public string? EgressProblem => host.Networks.EgressProblem;

    /// <inheritdoc/>
    public Task<string?> WhenReadyAsync(CancellationToken cancellationToken) => host.StartAsync().WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async Task<SandboxStart> StartAsync(FunctionRevision revision, IExecutionLog log, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        if (await WhenReadyAsync(cancellationToken) is { } problem)
        {
            return Failed(Failures.Of(ErrorCode.SandboxFailed, problem), started);
        }

        try
        {
            if (FindEgressProblem(revision.Manifest, log) is { } unreachable)
            {
                return Failed(unreachable, started);
            }

            var package = await host.Packages.GetAsync(revision.PackageSha256, cancellationToken);
            return revision.Manifest.Runtime switch
            {
                RuntimeIds.Executable => PrepareExecutable(revision, package, started),
                RuntimeIds.Wasm => await host.Wasm!.StartAsync(revision, package, Stopwatch.GetElapsedTime(started), cancellationToken),
                RuntimeIds.Provided => await provided.StartAsync(revision, package, log, started, cancellationToken),
                _ => await LoadAsync(revision, package, log, started, cancellationToken),
            };
        }
        catch (PackageException exception)
        {
            return Failed(Failures.Of(ErrorCode.PackageInvalid, exception.Message), started);
        }
        catch (BootException exception)
        {
            return Failed(Failures.Of(ErrorCode.SandboxFailed, exception.Message), started);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException)
        {
            return Failed(Failures.Of(ErrorCode.SandboxFailed, $"The sandbox could not be made ready: {exception.Message}"), started);
        }
        catch (ObjectDisposedException)
        {
            return Failed(Failures.Of(ErrorCode.SandboxFailed, BootException.Stopping().Message), started);
        }
    }

    private async Task<SandboxStart> LoadAsync(FunctionRevision revision, PackageLease package, IExecutionLog log, long started, CancellationToken cancellationToken)
    {
        // Links outlive the package they were made from; what is mounted must stay for as long as its sandbox.
        var isLinked = package.Files.Count <= options.Value.MostLinkedFiles;
        using var whileLinking = isLinked ? package : null;
        var process = isLinked
            ? await host.Pools.TakeAsync(RuntimeCommand.For(revision.Manifest), cancellationToken)
            : await BootWithAsync(revision, package, cancellationToken);
        var sandbox = new FrameSandbox(revision, process, isLinked ? null : package, options.Value, time);
        try
        {
            process.Network?.FunctionName = revision.Manifest.Name;
            if (isLinked)
            {
                PackageLinker.Fill(process.TaskDirectory, package);
            }

            if (LimitMemory(revision.Manifest, process) is { } error)
            {
                await sandbox.DisposeAsync();
                return Failed(error, started);
            }

            var start = Stopwatch.GetElapsedTime(started);
            var load = await sandbox.LoadAsync(log, cancellationToken);
            if (load.Error is null)
            {
                sandbox.LimitCpu();
            }
            else
            {
                await sandbox.DisposeAsync();
            }

            cancellationToken.ThrowIfCancellationRequested();
            return new SandboxStart
            {
                Sandbox = load.Error is null ? sandbox : null,
                Error = load.Error,
                Start = start,
                Init = load.Run,
                CpuTime = load.CpuTime,
                PeakMemoryBytes = load.PeakMemoryBytes,
            };
        }
        catch
        {
            await sandbox.DisposeAsync();
            throw;
        }
    }

    // Egress is the default, and most functions do not use it: only one that asks for it in so many words is refused without.
    private InvocationError? FindEgressProblem(FunctionManifest manifest, IExecutionLog log)
    {
        if (manifest.Network != NetworkPolicy.Egress || host.Networks.EgressProblem is not { } problem)
        {
            return null;
        }

        if (manifest.NetworkIsRequired)
        {
            return Failures.Of(ErrorCode.InitError, $"The function's manifest asks for 'network: egress'. {problem}");
        }

        log.Write("platform", Encoding.UTF8.GetBytes(problem));
        return null;
    }

    private async Task<SandboxProcess> BootWithAsync(FunctionRevision revision, PackageLease package, CancellationToken cancellationToken)
    {
        try
        {
            return await host.Booter.BootAsync(RuntimeCommand.For(revision.Manifest), package.Directory, cancellationToken);
        }
        catch
        {
            package.Dispose();
            throw;
        }
    }

    private InvocationError? LimitMemory(FunctionManifest manifest, SandboxProcess process)
    {
        try
        {
            // The number of processes was set at its boot, and CPU stays free until the code is loaded.
            process.Cgroup.SetMemory(manifest.MemoryBytes);
            if (host.Cgroups.Enforcement == MemoryEnforcement.PerProcess)
            {
                process.LimitPayload(RuntimeCommand.For(manifest).ProcessMemoryBytes(manifest.MemoryBytes));
            }

            return null;
        }
        catch (IOException exception)
        {
            // The kernel refuses a limit below what is in use already.
            return Failures.Of(
                ErrorCode.OutOfMemory,
                $"The {manifest.Runtime} runtime alone needs more than the function's {manifest.MemoryBytes >> 20} MB of memory; raise 'memory' in its manifest. ({exception.Message})");
        }
    }

    private SandboxStart PrepareExecutable(FunctionRevision revision, PackageLease package, long started)
    {
        if (ExecutableSandbox.FindProblem(revision, package) is { } problem)
        {
            package.Dispose();
            return Failed(Failures.Of(ErrorCode.InitError, problem), started);
        }

        return new SandboxStart
        {
            Sandbox = new ExecutableSandbox(revision, package, host, options.Value, time),
            Start = Stopwatch.GetElapsedTime(started),
            Init = TimeSpan.Zero,
        };
    }

    private static SandboxStart Failed(InvocationError error, long started) =>
        new() { Error = error, Start = Stopwatch.GetElapsedTime(started), Init = TimeSpan.Zero };
}

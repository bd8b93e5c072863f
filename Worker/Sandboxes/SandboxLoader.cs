using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Pool;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Makes a function's sandbox of one that has booted: the same steps for every runtime that is kept warm.</summary>
internal sealed class SandboxLoader(SandboxHost host, IOptions<SandboxOptions> options)
{
    /// <summary>
    /// 1. A booted sandbox: pooled, or with the package mounted if that has many files. 2. The package's files, the memory. 3. The
    /// function's code. 4. Its CPU: loading is free of that, as a boost that makes cold starts short.
    /// </summary>
    /// <param name="revision">What to load.</param>
    /// <param name="package">Its package; owned from here on.</param>
    /// <param name="make">Makes the runtime's kind of sandbox of a booted one and, if it is mounted, the package; both are then owned by it.</param>
    /// <param name="log">Receives what the code prints while it is loaded.</param>
    /// <param name="started">Since when it is waited for.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <exception cref="BootException">No sandbox came up.</exception>
    public async Task<SandboxStart> LoadAsync(
        FunctionRevision revision,
        PackageLease package,
        Func<SandboxProcess, PackageLease?, ILoadableSandbox> make,
        IExecutionLog log,
        long started,
        CancellationToken cancellationToken)
    {
        // Links outlive the package they were made from; what is mounted must stay for as long as its sandbox.
        var isLinked = package.Files.Count <= options.Value.MostLinkedFiles;
        using var whileLinking = isLinked ? package : null;
        var process = isLinked
            ? await host.Pools.TakeAsync(RuntimeCommand.For(revision.Manifest), cancellationToken)
            : await BootWithAsync(revision, package, cancellationToken);
        var sandbox = make(process, isLinked ? null : package);
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
                return SandboxStart.Failed(error, started);
            }

            var start = Stopwatch.GetElapsedTime(started);
            var load = await sandbox.LoadAsync(log, cancellationToken);
            if (load.Error is null)
            {
                LimitCpu(revision.Manifest, process);
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

    // What the function has, and its share of it.
    private void LimitCpu(FunctionManifest manifest, SandboxProcess process)
    {
        process.Cgroup.SetShare(manifest.MemoryBytes);
        process.Cgroup.SetCores(options.Value.CoresFor(manifest.MemoryBytes));
    }
}

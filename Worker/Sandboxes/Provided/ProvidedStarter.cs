using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Starts sandboxes of the runtime "provided".</summary>
internal sealed class ProvidedStarter(SandboxHost host, RuntimeApiServer server, IOptions<SandboxOptions> options, TimeProvider time)
{
    /// <summary>
    /// Boots a sandbox with the package in it, listens in its network, and starts the bootstrap. The package is owned from here on.
    /// </summary>
    public async Task<SandboxStart> StartAsync(FunctionRevision revision, PackageLease package, IExecutionLog log, long started, CancellationToken cancellationToken)
    {
        var (path, problem) = Bootstrap.Find(package, host.RootTree);
        if (path is null)
        {
            package.Dispose();
            return new SandboxStart { Error = ProvidedFailures.InvalidEntrypoint(problem!), Start = Stopwatch.GetElapsedTime(started), Init = TimeSpan.Zero };
        }

        var sandbox = await BootAsync(revision, package, path, cancellationToken);
        try
        {
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

    private async Task<ProvidedSandbox> BootAsync(FunctionRevision revision, PackageLease package, string path, CancellationToken cancellationToken)
    {
        SandboxProcess? process = null;
        try
        {
            var manifest = revision.Manifest;
            process = await host.Booter.BootAsync(
                RuntimeIds.Provided,
                new LaunchRequest
                {
                    Command = [RootTree.ScriptShell, $"{RootTree.RuntimeDirectory}/provided/start.sh", path],
                    Environment = ProvidedEnvironment.Of(revision, time.GetUtcNow()),
                    Limits = new CgroupLimits(manifest.MemoryBytes, options.Value.ProcessLimit, Cores: null),
                    PackageDirectory = package.Directory,
                },
                manifest.Network,
                cancellationToken);
            process.Network?.FunctionName = manifest.Name;
            var api = await server.AttachAsync(await host.Networks.ListenAsync(process, ProvidedEnvironment.Port, cancellationToken));
            return new ProvidedSandbox(revision, process, api, package, options.Value, time);
        }
        catch
        {
            await (process?.DisposeAsync() ?? default);
            package.Dispose();
            throw;
        }
    }
}

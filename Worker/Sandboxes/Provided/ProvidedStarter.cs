using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Packages;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Starts sandboxes of the runtime "provided".</summary>
internal sealed class ProvidedStarter(SandboxHost host, SandboxLoader loader, RuntimeApiServer server, IOptions<SandboxOptions> options, TimeProvider time)
{
    /// <summary>Looks for the bootstrap, and starts it in a booted sandbox. The package is owned from here on.</summary>
    public async Task<SandboxStart> StartAsync(FunctionRevision revision, PackageLease package, IExecutionLog log, long started, CancellationToken cancellationToken)
    {
        var (path, problem) = Bootstrap.Find(package, host.RootTree);
        problem ??= ProvidedEnvironment.FindProblem(revision.Manifest);
        if (path is null || problem is not null)
        {
            package.Dispose();
            return SandboxStart.Failed(ProvidedFailures.InvalidEntrypoint(problem!), started);
        }

        try
        {
            await server.StartAsync();
        }
        catch
        {
            package.Dispose();
            throw;
        }

        return await loader.LoadAsync(
            revision,
            package,
            (process, mounted) => new ProvidedSandbox(revision, process, server.Attach(process.Listener!), path, mounted, options.Value, time),
            log,
            started,
            cancellationToken);
    }
}

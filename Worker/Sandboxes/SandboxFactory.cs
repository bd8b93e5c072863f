using System.Diagnostics;
using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Pool;
using FaasCluster.Worker.Sandboxes.Provided;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Starts sandboxes of every runtime. What it needs of the host is made when somebody first waits for it to be ready.</summary>
internal sealed class SandboxFactory(SandboxHost host, SandboxLoader loader, ProvidedStarter provided, IOptions<SandboxOptions> options, TimeProvider time) : ISandboxFactory
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
            return SandboxStart.Failed(Failures.Of(ErrorCode.SandboxFailed, problem), started);
        }

        try
        {
            if (FindEgressProblem(revision.Manifest, log) is { } unreachable)
            {
                return SandboxStart.Failed(unreachable, started);
            }

            var package = await host.Packages.GetAsync(revision.PackageSha256, cancellationToken);
            return revision.Manifest.Runtime switch
            {
                RuntimeIds.Executable => PrepareExecutable(revision, package, started),
                RuntimeIds.Wasm => await host.Wasm!.StartAsync(revision, package, Stopwatch.GetElapsedTime(started), cancellationToken),
                RuntimeIds.Provided => await provided.StartAsync(revision, package, log, started, cancellationToken),
                _ => await loader.LoadAsync(
                    revision, package, (process, mounted) => new FrameSandbox(revision, process, mounted, options.Value, time), log, started, cancellationToken),
            };
        }
        catch (PackageException exception)
        {
            return SandboxStart.Failed(Failures.Of(ErrorCode.PackageInvalid, exception.Message), started);
        }
        catch (BootException exception)
        {
            return SandboxStart.Failed(Failures.Of(ErrorCode.SandboxFailed, exception.Message), started);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException)
        {
            return SandboxStart.Failed(Failures.Of(ErrorCode.SandboxFailed, $"The sandbox could not be made ready: {exception.Message}"), started);
        }
        catch (ObjectDisposedException)
        {
            return SandboxStart.Failed(Failures.Of(ErrorCode.SandboxFailed, BootException.Stopping().Message), started);
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

    private SandboxStart PrepareExecutable(FunctionRevision revision, PackageLease package, long started)
    {
        if (ExecutableSandbox.FindProblem(revision, package) is { } problem)
        {
            package.Dispose();
            return SandboxStart.Failed(Failures.Of(ErrorCode.InitError, problem), started);
        }

        return new SandboxStart
        {
            Sandbox = new ExecutableSandbox(revision, package, host, options.Value, time),
            Start = Stopwatch.GetElapsedTime(started),
            Init = TimeSpan.Zero,
        };
    }
}

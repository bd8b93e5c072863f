using System.Net.Sockets;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>The networks of one worker's sandboxes, seen from the host: sockets that the worker holds inside them.</summary>
internal sealed class SandboxNetworks(SandboxOptions options, EventLoop loop, ILogger logger) : IAsyncDisposable
{
    private readonly NetworkHelper helper = new(options, Path.Combine(AppContext.BaseDirectory, "runtimes", "network", "helper.py"), loop, logger);

    /// <summary>The helper's process id, 0 if it does not run.</summary>
    public int HelperProcessId => helper.ProcessId;

    /// <summary>Starts what the first request would else wait for.</summary>
    public void Start() => helper.Start();

    /// <summary>
    /// A listener on 127.0.0.1 inside a sandbox: what is accepted from it comes from that sandbox and from nowhere else. It stays open when
    /// the sandbox ends; whoever asked for it closes it.
    /// </summary>
    /// <param name="sandbox">The sandbox; its process must have said that it is ready.</param>
    /// <param name="port">The port; one below 1024 cannot have been taken by anything in the sandbox.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The sandbox has ended, the port is taken, or the kernel refused it.</exception>
    public async Task<Socket> ListenAsync(SandboxProcess sandbox, int port, CancellationToken cancellationToken) =>
        (await helper.AskAsync(sandbox, new HelperRequest { Sockets = [new HelperSocket("tcp", "127.0.0.1", port)] }, cancellationToken))[0];

    public ValueTask DisposeAsync() => helper.DisposeAsync();
}

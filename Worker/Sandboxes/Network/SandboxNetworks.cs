using System.Net.Sockets;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>The networks of one worker's sandboxes, seen from the host: sockets that the worker holds inside them.</summary>
internal sealed class SandboxNetworks(NetworkServices services, EventLoop loop, ILogger logger) : IAsyncDisposable
{
    // Below 1024, so that no function can take it, whatever it listens on.
    private const int CapturePort = 1;

    private readonly NetworkHelper helper = new(services.Options, Path.Combine(AppContext.BaseDirectory, "runtimes", "network", "helper.py"), loop, logger);
    private volatile bool isProven;
    private volatile bool isEgressProven;
    private string? egressProblem;

    /// <summary>The helper's process id, 0 if it does not run.</summary>
    public int HelperProcessId => helper.ProcessId;

    /// <summary>Why sandboxes of this host cannot be connected to the outside, and what to do; null if they can.</summary>
    public string? EgressProblem => Volatile.Read(ref egressProblem);

    /// <summary>Starts what the first request would else wait for.</summary>
    public Task StartAsync()
    {
        helper.Start();
        return services.Platform.LookUpAsync();
    }

    /// <summary>
    /// Opens a sandbox to what its policy lets it reach: the gateway, and with egress the outside. With none it gets no route at all, so
    /// that nothing in the worker has to hold.
    /// </summary>
    /// <param name="sandbox">The sandbox; its process must have said that it is ready, and must not have run any user's code.</param>
    /// <param name="policy">What it may reach.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The sandbox has ended, or the kernel refused it.</exception>
    public async Task OpenAsync(SandboxProcess sandbox, NetworkPolicy policy, CancellationToken cancellationToken)
    {
        var isOpen = policy == NetworkPolicy.Egress;
        var request = new HelperRequest { Sockets = [new HelperSocket("tcp", "127.0.0.1", GatewayRelay.Port)] };
        if (isOpen)
        {
            var ipv6 = Socket.OSSupportsIPv6;
            request = request with
            {
                Capture = new HelperCapture(CapturePort, ipv6, services.Host.HasIpv6),
                Sockets =
                [
                    .. request.Sockets,
                    new HelperSocket("udp", "127.0.0.1", NameServer.Port),
                    new HelperSocket("tcp", "127.0.0.1", NameServer.Port),
                    new HelperSocket("tcp", "127.0.0.1", CapturePort, Transparent: true),
                    .. ipv6 ? new[] { new HelperSocket("tcp", "::1", CapturePort, Transparent: true) } : [],
                ],
            };
        }

        IReadOnlyList<Socket> sockets;
        try
        {
            sockets = await helper.AskAsync(sandbox, request, cancellationToken);
        }
        catch (IOException exception) when (!(isOpen ? isEgressProven : isProven) && !sandbox.Exited.IsCompleted)
        {
            // Never yet on this host, so it is the host and not this sandbox. Without any help there is no way to the gateway either.
            Missing(exception.Message);
            if (isOpen)
            {
                await OpenAsync(sandbox, NetworkPolicy.None, cancellationToken);
            }

            return;
        }

        isProven = true;
        if (isOpen)
        {
            isEgressProven = true;
            Volatile.Write(ref egressProblem, null);
        }

        var network = new SandboxNetwork(services, sandbox.Output);
        sandbox.Network = network;
        network.Serve(sockets[0], accepted => GatewayRelay.ServeAsync(network, accepted));
        if (isOpen)
        {
            network.Run(sockets[1], () => NameServer.AnswerAsync(network, sockets[1]));
            network.Serve(sockets[2], accepted => NameServer.ServeAsync(network, accepted));
            foreach (var listener in sockets.Skip(3))
            {
                network.Serve(listener, accepted => Egress.ServeAsync(network, accepted));
            }
        }
    }

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

    private void Missing(string reason)
    {
        var problem =
            $"Functions cannot be connected to the outside on this host ({reason}), and reach nothing but the platform. The kernel needs nf_tables with tproxy (CONFIG_NFT_TPROXY; 'modprobe nft_tproxy'), and a container must allow setns (docs/sandboxes.md).";
        if (Interlocked.Exchange(ref egressProblem, problem) is null)
        {
            NetworkLog.NoEgress(logger, problem);
        }
    }
}

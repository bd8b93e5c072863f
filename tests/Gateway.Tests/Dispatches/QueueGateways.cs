using System.Net;
using System.Net.Sockets;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Processes;
using FaasCluster.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using RabbitMQ.Client;

namespace FaasCluster.Gateway.Tests.Dispatches;

/// <summary>A broker of the users: a virtual host that the gateway has nothing else to do with, behind a door that can be shut.</summary>
public sealed class UsersBroker : IAsyncDisposable
{
    private readonly BrokerVirtualHost host = new();

    /// <summary>What the gateway connects to.</summary>
    internal Door? Door { get; private set; }

    public async Task StartAsync()
    {
        await host.InitializeAsync();
        Door = new Door(new Uri(host.Uri).Port);
    }

    public void Configure(WebApplicationBuilder builder)
    {
        DispatchSettings.Add(builder);
        if (Door is not null)
        {
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Destinations:Connections:default:Uri"] = new UriBuilder(host.Uri) { Port = Door.Port }.Uri.AbsoluteUri,
                ["Destinations:Connections:closed:Uri"] = "amqp://user:secret@127.0.0.1:1/nowhere",
                ["Destinations:Connections:ours:Uri"] = new UriBuilder(host.Uri) { Port = Door.Port }.Uri.AbsoluteUri,
                ["Destinations:Connections:ours:Accounts:0"] = "default",
            });
        }
    }

    /// <summary>A connection past the door.</summary>
    public Task<IConnection> ConnectAsync() => new ConnectionFactory { Uri = new Uri(host.Uri) }.CreateConnectionAsync();

    public async ValueTask DisposeAsync()
    {
        Door?.Dispose();
        await host.DisposeAsync();
    }
}

/// <summary>A cluster's gateway with connections to a users' broker.</summary>
public sealed class ClusterQueueGateway : ClusterGateway, IQueueGateway
{
    public UsersBroker Broker { get; } = new();

    protected override async Task<Dictionary<string, string?>?> PrepareAsync()
    {
        if (await base.PrepareAsync() is not { } settings)
        {
            return null;
        }

        await Broker.StartAsync();
        return settings;
    }

    protected override void Configure(WebApplicationBuilder builder) => Broker.Configure(builder);

    protected override async Task CleanUpAsync()
    {
        await Broker.DisposeAsync();
        await base.CleanUpAsync();
    }
}

/// <summary>The same of the embedded mode, which has no broker itself.</summary>
public sealed class EmbeddedQueueGateway : EmbeddedGateway, IQueueGateway
{
    public UsersBroker Broker { get; } = new();

    public override void RequireServers() => _ = TestServers.RabbitMq;

    protected override async Task<Dictionary<string, string?>?> PrepareAsync()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FAAS_TEST_RABBITMQ")))
        {
            return null;
        }

        await Broker.StartAsync();
        return await base.PrepareAsync();
    }

    protected override void Configure(WebApplicationBuilder builder) => Broker.Configure(builder);

    protected override async Task CleanUpAsync()
    {
        await Broker.DisposeAsync();
        await base.CleanUpAsync();
    }
}

public interface IQueueGateway
{
    UsersBroker Broker { get; }
}

/// <summary>Passes TCP connections on while it is open. Shutting it cuts them and refuses further ones.</summary>
internal sealed class Door : IDisposable
{
    private readonly int target;
    private readonly Lock gate = new();
    private readonly List<Socket> sockets = [];
    private TcpListener? listener;

    public Door(int target)
    {
        this.target = target;
        // Not one that the kernel may give to somebody else while the door is shut.
        Open(FreePorts.Next());
    }

    public int Port { get; private set; }

    public void Open() => Open(Port);

    public void Shut()
    {
        lock (gate)
        {
            listener?.Stop();
            listener = null;
            sockets.ForEach(socket => socket.Dispose());
            sockets.Clear();
        }
    }

    public void Dispose() => Shut();

    private void Open(int port)
    {
        lock (gate)
        {
            listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            Port = ((IPEndPoint)listener.LocalEndpoint).Port;
            _ = AcceptAsync(listener);
        }
    }

    private async Task AcceptAsync(TcpListener open)
    {
        try
        {
            while (true)
            {
                var caller = await open.AcceptSocketAsync();
                var callee = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await callee.ConnectAsync(IPAddress.Loopback, target);
                lock (gate)
                {
                    if (listener != open)
                    {
                        caller.Dispose();
                        callee.Dispose();
                        return;
                    }

                    sockets.AddRange([caller, callee]);
                }

                _ = PassAsync(caller, callee);
                _ = PassAsync(callee, caller);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Shut.
        }
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        try
        {
            await using var source = new NetworkStream(from);
            await using var sink = new NetworkStream(to);
            await source.CopyToAsync(sink);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Cut.
        }
        finally
        {
            from.Dispose();
            to.Dispose();
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>Passes what is connected to a listener on to a server: a server of this host, as if it were another's.</summary>
internal sealed class Forwarder : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private readonly Task accepting;

    public Forwarder(Socket listener, string host, int port) => accepting = AcceptAsync(listener, new DnsEndPoint(host, port));

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await accepting;
        ending.Dispose();
    }

    private async Task AcceptAsync(Socket listener, DnsEndPoint server)
    {
        List<Task> serving = [];
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await listener.AcceptAsync(ending.Token), server));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(Socket accepted, DnsEndPoint server)
    {
        try
        {
            await using var client = new NetworkStream(accepted, ownsSocket: true);
            using var connection = new TcpClient();
            await connection.ConnectAsync(server.Host, server.Port, ending.Token);
            await using var target = connection.GetStream();

            // PostgreSQL ends a connection whole, from whichever side.
            await await Task.WhenAny(client.CopyToAsync(target, ending.Token), target.CopyToAsync(client, ending.Token));
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // One of the two is gone.
        }
    }
}

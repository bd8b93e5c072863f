using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// The one way from inside to the platform: passes what comes to a sandbox's own port 80 on to the gateway, and to nothing else. The
/// gateway asks for a key as of anybody.
/// </summary>
internal static class GatewayRelay
{
    /// <summary>Below 1024, so that no function can take it; and HTTP's own, so that the endpoint needs no port.</summary>
    public const int Port = 80;

    /// <summary>The value of FAAS_ENDPOINT.</summary>
    public const string Endpoint = "http://127.0.0.1";

    /// <summary>Serves one connection.</summary>
    public static async Task ServeAsync(SandboxNetwork network, Socket inside)
    {
        var services = network.Services;
        if (services.Gateway.Url is not { } url)
        {
            await AnswerAsync(inside, "This worker does not know its gateway: its operator must set Sandbox:GatewayUrl.", network.Ending);
            return;
        }

        using var outside = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(network.Ending);
            patience.CancelAfter(services.Options.DialTimeout);
            await outside.ConnectAsync(url.DnsSafeHost, url.Port, patience.Token);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException && !network.Ending.IsCancellationRequested)
        {
            network.Note($"the gateway could not be reached: {exception.Message}");
            await AnswerAsync(inside, "The gateway could not be reached; try again.", network.Ending);
            return;
        }

        try
        {
            if (url.Scheme == Uri.UriSchemeHttps)
            {
                await using var encrypted = new SslStream(new NetworkStream(outside, ownsSocket: false));
                await encrypted.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = url.DnsSafeHost }, network.Ending);
                await PassAsync(new Splice.Side(encrypted, encrypted.ShutdownAsync));
            }
            else
            {
                await PassAsync(Splice.Side.Of(outside));
            }
        }
        catch
        {
            Acceptor.Abort(outside);
            throw;
        }

        Task PassAsync(Splice.Side gateway) => Splice.RunAsync(Splice.Side.Of(inside), gateway, services.Options.ConnectionIdleTimeout, network.Draining, network.Ending);
    }

    private static async Task AnswerAsync(Socket inside, string text, CancellationToken cancellationToken)
    {
        var body = $"{{\"title\":\"The gateway is not there.\",\"status\":503,\"detail\":\"{text}\"}}";
        var head = $"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";

        // What it sends is read first: closing before would reset the connection, and the answer with it.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        var buffer = new byte[16 << 10];
        _ = await inside.ReceiveAsync(buffer, patience.Token);
        await inside.SendAsync(Encoding.ASCII.GetBytes(head + body), patience.Token);
        inside.Shutdown(SocketShutdown.Send);
        while (await inside.ReceiveAsync(buffer, patience.Token) > 0)
        {
        }
    }
}

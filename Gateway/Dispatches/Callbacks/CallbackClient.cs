using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace FaasCluster.Gateway.Dispatches.Callbacks;

/// <summary>
/// Connects for callbacks. The guard looks at the very address that is connected to, after the name was resolved: a name that
/// resolves to something else a moment later reaches nothing. Redirects are not followed and no proxy is asked, for either would connect
/// past the guard.
/// </summary>
internal sealed class CallbackClient : IDisposable
{
    // A name that moves is followed after this time.
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(2);
    private readonly AddressGuard guard;
    private readonly HttpMessageInvoker http;

    public CallbackClient(AddressGuard guard)
    {
        this.guard = guard;
        http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionLifetime = ConnectionLife,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 64 * 1024,
            ActivityHeadersPropagator = null,
        });
    }

    /// <summary>Sends a request; the answer's body is not waited for.</summary>
    /// <exception cref="CallbackRefusedException">The guard allows none of the host's addresses.</exception>
    public async Task<(HttpStatusCode Status, RetryConditionHeaderValue? RetryAfter)> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.SendAsync(request, cancellationToken);
            return (answer.StatusCode, answer.Headers.RetryAfter);
        }
        catch (HttpRequestException exception) when (exception.InnerException is CallbackRefusedException refused)
        {
            throw refused;
        }
    }

    public void Dispose() => http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var found = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        var allowed = found.Where(guard.Allows).ToArray();
        if (found.Length > 0 && allowed.Length == 0)
        {
            // Which addresses they are is nothing that callers should learn from here.
            throw new CallbackRefusedException(
                $"The host '{host}' has only addresses that callbacks may not reach: private, loopback or reserved ones. An operator can allow networks by Destinations:AllowedNetworks.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

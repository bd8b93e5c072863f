using System.Net;
using System.Net.Sockets;

namespace FaasCluster.Chaos.Servers;

/// <summary>
/// A wire between one host and a server, which can be cut: nothing passes then, in neither direction, and nobody is told. What was
/// sent meanwhile arrives afterwards, as after a network partition, unless one end gave up.
/// </summary>
internal sealed class Wire : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly int target;
    private readonly Task accepting;
    private volatile TaskCompletionSource whole = Whole();
    private long heldBack;

    public Wire(int target)
    {
        this.target = target;
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    /// <summary>Where the host finds the server.</summary>
    public int Port { get; }

    /// <summary>Bytes that were held back, ever: a cut that meets none is none.</summary>
    public long HeldBack => Interlocked.Read(ref heldBack);

    public void Cut() => whole = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Mend() => whole.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        listener.Dispose();
        await accepting;
        end.Dispose();
    }

    private static TaskCompletionSource Whole()
    {
        var whole = new TaskCompletionSource();
        whole.SetResult();
        return whole;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ConnectAsync(await listener.AcceptTcpClientAsync(end.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    private async Task ConnectAsync(TcpClient host)
    {
        using var hostEnd = host;
        using var serverEnd = new TcpClient { NoDelay = true };
        host.NoDelay = true;
        try
        {
            await whole.Task.WaitAsync(end.Token);
            await serverEnd.ConnectAsync(IPAddress.Loopback, target, end.Token);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
            await Task.WhenAny(PumpAsync(host.GetStream(), serverEnd.GetStream(), over.Token), PumpAsync(serverEnd.GetStream(), host.GetStream(), over.Token));
            await over.CancelAsync();
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // Either end is gone; the other one notices by its connection's end.
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await from.ReadAsync(buffer, cancellationToken);
            if (!whole.Task.IsCompleted)
            {
                Interlocked.Add(ref heldBack, Math.Max(read, 1));
                await whole.Task.WaitAsync(cancellationToken);
            }

            if (read == 0)
            {
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }
}

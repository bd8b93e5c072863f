using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>A real server on an address of this host: HTTP by default, or whatever a test makes of its connections.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly Socket listener;
    private readonly ConcurrentBag<Socket> open = [];
    private readonly Func<Socket, Task> serve;
    private readonly Task accepting;
    private int accepted;

    public TestServer(IPAddress address, Func<Socket, Task>? serve = null)
        : this(Listen(address), serve)
    {
    }

    /// <summary>On a socket that listens already.</summary>
    public TestServer(Socket listener, Func<Socket, Task>? serve = null)
    {
        this.listener = listener;
        this.serve = serve ?? (socket => AnswerAsync(socket, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nreached"));
        accepting = AcceptAsync();
    }

    private static Socket Listen(IPAddress address)
    {
        var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        made.Bind(new IPEndPoint(address, 0));
        made.Listen(512);
        return made;
    }

    public IPEndPoint EndPoint => (IPEndPoint)listener.LocalEndPoint!;

    public int Port => EndPoint.Port;

    /// <summary>Connections so far.</summary>
    public int Accepted => Volatile.Read(ref accepted);

    /// <summary>Requests so far, of the default behaviour and of <see cref="AnswerAsync"/>.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Reads the head of a request and answers.</summary>
    public async Task AnswerAsync(Socket socket, string answer)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains("\r\n\r\n"))
        {
            var count = await socket.ReceiveAsync(buffer);
            if (count == 0)
            {
                return;
            }

            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        Requests.Enqueue(text.ToString());
        await socket.SendAsync(Encoding.ASCII.GetBytes(answer));
        socket.Shutdown(SocketShutdown.Send);
    }

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        await accepting;
        foreach (var socket in open)
        {
            socket.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync();
                Interlocked.Increment(ref accepted);
                open.Add(socket);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await serve(socket);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The client is gone.
        }

        socket.Dispose();
    }
}

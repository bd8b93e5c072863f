using System.Net.Sockets;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Accepts the connections of one listener inside a sandbox and hands each to its handler, until the sandbox ends, those included that wait then.</summary>
internal static class Acceptor
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Accepts until cancelled.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="accepted">Takes over a connection; must not wait for its end.</param>
    /// <param name="cancellationToken">The sandbox's end.</param>
    public static async Task RunAsync(Socket listener, Action<Socket> accepted, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var socket = await listener.AcceptAsync(cancellationToken);
                socket.NoDelay = true;
                accepted(socket);
            }
            catch (OperationCanceledException)
            {
                AcceptRest(listener, accepted);
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The worker has no descriptor left, or the connection was gone before it was taken.
                await Task.Delay(Pause, CancellationToken.None);
            }
        }
    }

    // A program that connects, writes and ends at once may be gone before its connection is taken; what it wrote is not.
    private static void AcceptRest(Socket listener, Action<Socket> accepted)
    {
        try
        {
            while (listener.Poll(0, SelectMode.SelectRead))
            {
                accepted(listener.Accept());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Gone after all.
        }
    }

    /// <summary>Closes a connection so that its other end hears of a failure, and not of an end.</summary>
    public static void Abort(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Closed by the other end already.
        }

        socket.Dispose();
    }
}

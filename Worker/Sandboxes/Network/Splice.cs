using System.Buffers;
using System.Net.Sockets;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// Passes bytes between two connections until both directions have ended; the end of one direction is passed on and leaves the other
/// open (half-close, as HTTP/1.0 clients and netcat use it). A buffer is held only while there is something to pass.
/// </summary>
internal static class Splice
{
    private const int BufferSize = 32 << 10;

    /// <summary>Runs until both directions have ended.</summary>
    /// <param name="inside">The function's end.</param>
    /// <param name="outside">The other.</param>
    /// <param name="idle">How long nothing may come from either before both are given up.</param>
    /// <param name="draining">The function's end has ended: what it sent is still passed on, and nothing comes back to it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">Given up or idle.</exception>
    /// <exception cref="IOException">One end was reset.</exception>
    public static async Task RunAsync(Side inside, Side outside, TimeSpan idle, CancellationToken draining, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(idle);
        using var answering = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, draining);
        var there = PassAsync(inside, outside, idle, patience, patience.Token);
        var back = PassAsync(outside, inside, idle, patience, answering.Token);

        // The first that fails takes the other along: what one end does not know any more the other must not wait for.
        var first = await Task.WhenAny(there, back);
        if (first.IsFaulted || (first.IsCanceled && !draining.IsCancellationRequested))
        {
            await patience.CancelAsync();
        }

        try
        {
            await back;
        }
        catch (OperationCanceledException) when (draining.IsCancellationRequested && !patience.IsCancellationRequested)
        {
            // Nobody is there to read it.
        }

        await there;
    }

    private static async Task PassAsync(Side from, Side to, TimeSpan idle, CancellationTokenSource patience, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Waits without a buffer: most connections are idle most of the time.
            _ = await from.Stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
            var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            try
            {
                var count = await from.Stream.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken);
                if (count == 0)
                {
                    await to.EndAsync();
                    return;
                }

                patience.CancelAfter(idle);
                await to.Stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    /// <summary>One end.</summary>
    /// <param name="Stream">Its bytes.</param>
    /// <param name="EndAsync">Says that nothing more is sent to it.</param>
    internal sealed record Side(Stream Stream, Func<Task> EndAsync)
    {
        /// <summary>A plain connection.</summary>
        public static Side Of(Socket socket) => new(new NetworkStream(socket, ownsSocket: false), () =>
        {
            socket.Shutdown(SocketShutdown.Send);
            return Task.CompletedTask;
        });
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// The name server of one sandbox, at its own port 53. It asks the host's; what is within "localhost" it denies (RFC 6761), and addresses
/// of IPv6 it leaves out where the host has no IPv6: a connection there would be accepted in the sandbox and then fail, and programs
/// would not try the other address.
/// </summary>
internal static class NameServer
{
    public const int Port = 53;

    private const int MostDatagramBytes = 4096;
    private const int MostMessageBytes = 64 << 10;

    // More questions at once are dropped, as by any name server; who asks tries again.
    private const int MostQuestions = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Answers datagrams until the sandbox ends.</summary>
    public static async Task AnswerAsync(SandboxNetwork network, Socket socket)
    {
        var places = new SemaphoreSlim(MostQuestions);
        while (!network.Draining.IsCancellationRequested)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(MostDatagramBytes);
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), network.Draining);
                if (places.Wait(0, CancellationToken.None))
                {
                    _ = AnswerOneAsync(network, socket, buffer, received.ReceivedBytes, received.RemoteEndPoint, places);
                    continue;
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                // The sandbox ends.
            }
            catch (SocketException)
            {
                // Whoever asked before is gone and its kernel says so.
            }

            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Answers what comes in one connection: for answers that no datagram holds.</summary>
    public static async Task ServeAsync(SandboxNetwork network, Socket inside)
    {
        var buffer = new byte[MostMessageBytes];
        while (true)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(network.Draining);
            patience.CancelAfter(Patience);
            if (await ReadAsync(inside, buffer, patience.Token) is not (> 0 and var length))
            {
                return;
            }

            var query = buffer.AsMemory(0, length);
            if (NameQuery.Read(query.Span) is not { } question)
            {
                return;
            }

            if (AnswerOf(network, query.Span, question) is { } own)
            {
                await WriteAsync(inside, own, patience.Token);
                continue;
            }

            using var server = await network.Services.Resolver.ConnectAsync(patience.Token);
            if (server is null)
            {
                await WriteAsync(inside, NameQuery.Answer(query.Span, question.End, NameQuery.ServerFailure), patience.Token);
                continue;
            }

            await WriteAsync(server, query, patience.Token);
            if (await ReadAsync(server, buffer, patience.Token) is not (> 0 and var size))
            {
                return;
            }

            await WriteAsync(inside, buffer.AsMemory(0, size), patience.Token);
        }
    }

    private static async Task AnswerOneAsync(SandboxNetwork network, Socket socket, byte[] buffer, int length, EndPoint from, SemaphoreSlim places)
    {
        var answer = ArrayPool<byte>.Shared.Rent(MostMessageBytes);
        try
        {
            var query = buffer.AsMemory(0, length);
            if (NameQuery.Read(query.Span) is not { } question)
            {
                return;
            }

            if (AnswerOf(network, query.Span, question) is { } own)
            {
                await socket.SendToAsync(own, from, network.Draining);
                return;
            }

            var count = await network.Services.Resolver.AskAsync(query, answer, network.Draining);
            if (count is null)
            {
                network.Note("no name server of the worker's host answered.");
            }

            await socket.SendToAsync(count is { } size ? answer.AsMemory(0, size) : NameQuery.Answer(query.Span, question.End, NameQuery.ServerFailure), from, network.Draining);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The sandbox ends, or whoever asked is gone.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(answer);
            ArrayPool<byte>.Shared.Return(buffer);
            places.Release();
        }
    }

    private static byte[]? AnswerOf(SandboxNetwork network, ReadOnlySpan<byte> query, (int Type, bool IsLocal, int End) question) => question switch
    {
        { IsLocal: true } => NameQuery.Answer(query, question.End, NameQuery.NoSuchName),
        { Type: NameQuery.AddressOfIpv6 } when !network.Services.Host.HasIpv6 => NameQuery.Answer(query, question.End, NameQuery.NoError),
        _ => null,
    };

    // Two bytes of length and the message; 0 at the end.
    private static async Task<int> ReadAsync(Socket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        if (!await FillAsync(socket, buffer.AsMemory(0, 2), cancellationToken))
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
        return await FillAsync(socket, buffer.AsMemory(0, length), cancellationToken) ? length : 0;
    }

    private static async Task<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            var count = await socket.ReceiveAsync(buffer, cancellationToken);
            if (count == 0)
            {
                return false;
            }

            buffer = buffer[count..];
        }

        return true;
    }

    private static async Task WriteAsync(Socket socket, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var framed = new byte[2 + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed.AsMemory(2));
        for (ReadOnlyMemory<byte> left = framed; left.Length > 0;)
        {
            left = left[await socket.SendAsync(left, cancellationToken)..];
        }
    }
}

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>A name server on this host's loopback, by datagrams and by streams, that knows what a test tells it.</summary>
internal sealed class TestNameServer : IAsyncDisposable
{
    private const int MostDatagramBytes = 512;

    private readonly Socket datagrams;
    private readonly Socket streams;
    private readonly ConcurrentDictionary<(string Name, int Type), Func<byte[][]>> records = new();
    private readonly Task[] serving;

    public TestNameServer()
    {
        (datagrams, streams) = Bind();
        serving = [ServeDatagramsAsync(), ServeStreamsAsync()];
    }

    public IPEndPoint Address => (IPEndPoint)datagrams.LocalEndPoint!;

    /// <summary>Questions so far: name and type.</summary>
    public ConcurrentQueue<(string Name, int Type)> Questions { get; } = new();

    public void SetAddress(string name, params IPAddress[] inTurn)
    {
        var next = -1;
        records[(name, 1)] = () => [inTurn[Math.Min(Interlocked.Increment(ref next), inTurn.Length - 1)].GetAddressBytes()];
    }

    public void SetText(string name, params string[] texts) =>
        records[(name, 16)] = () => [.. texts.Select(text => (byte[])[(byte)text.Length, .. Encoding.ASCII.GetBytes(text)])];

    public async ValueTask DisposeAsync()
    {
        datagrams.Dispose();
        streams.Dispose();
        await Task.WhenAll(serving);
    }

    // One port for both: whichever the kernel gives for streams, if it is nobody's for datagrams.
    private static (Socket Datagrams, Socket Streams) Bind()
    {
        while (true)
        {
            var datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            var streams = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            streams.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            try
            {
                datagrams.Bind(streams.LocalEndPoint!);
                streams.Listen();
                return (datagrams, streams);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                datagrams.Dispose();
                streams.Dispose();
            }
        }
    }

    private async Task ServeDatagramsAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var received = await datagrams.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                var answer = Answer(buffer.AsSpan(0, received.ReceivedBytes));
                if (answer.Length > MostDatagramBytes)
                {
                    // Cut off, and says so: ask again by a stream.
                    answer = answer[..12];
                    answer[2] |= 2;
                    answer.AsSpan(4).Clear();
                }

                await datagrams.SendToAsync(answer, received.RemoteEndPoint);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeStreamsAsync()
    {
        try
        {
            while (true)
            {
                await ServeStreamAsync(await streams.AcceptAsync());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeStreamAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var length = new byte[2];
            await stream.ReadExactlyAsync(length);
            var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
            await stream.ReadExactlyAsync(query);
            var answer = Answer(query);
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
            await stream.WriteAsync((byte[])[.. length, .. answer]);
        }
        catch (IOException)
        {
            // Who asked is gone.
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> query)
    {
        var labels = new List<string>();
        var at = 12;
        for (; query[at] != 0; at += 1 + query[at])
        {
            labels.Add(Encoding.ASCII.GetString(query.Slice(at + 1, query[at])));
        }

        var type = BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]);
        var name = string.Join('.', labels).ToLowerInvariant();
        Questions.Enqueue((name, type));
        var found = records.TryGetValue((name, type), out var values) ? values() : [];
        var isKnown = found.Length > 0 || records.Keys.Any(key => key.Name == name);
        var answer = new List<byte>(query[..(at + 5)].ToArray()) { [2] = 0x81, [3] = (byte)(isKnown ? 0x80 : 0x83), [7] = (byte)found.Length };
        answer[8] = answer[9] = answer[10] = answer[11] = 0;
        foreach (var value in found)
        {
            // A pointer to the question's name, type, class, time to live 0, length, value.
            answer.AddRange([0xc0, 12, 0, (byte)type, 0, 1, 0, 0, 0, 0, 0, (byte)value.Length, .. value]);
        }

        return [.. answer];
    }
}

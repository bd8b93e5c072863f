using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;

namespace FaasCluster.Worker.Sandboxes.Frames;

/// <summary>
/// The worker's end of a sandbox's control socket. A frame is a length (32 bits, big-endian, of what follows the type), a type
/// (8 bits), the length of the header (32 bits), the header (JSON) and the body (bytes as they are).
/// </summary>
internal sealed class FrameChannel(Socket socket) : IDisposable
{
    private const int PrefixLength = 9;

    // A larger body is sent from where it lies, in a second call; a smaller one is copied behind the header: one system call.
    private const int CopiedBodyLength = 32 << 10;

    private readonly ArrayBufferWriter<byte> output = new(1024);
    private readonly Utf8JsonWriter json = new(Stream.Null, new JsonWriterOptions { SkipValidation = true });
    private readonly byte[] input = new byte[4096];
    private int start;
    private int end;

    /// <summary>Sends one frame.</summary>
    public async ValueTask SendAsync<T>(FrameType type, T state, Action<Utf8JsonWriter, T> writeHeader, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        output.ResetWrittenCount();
        output.Advance(output.GetSpan(PrefixLength)[..PrefixLength].Length);
        json.Reset(output);
        writeHeader(json, state);
        json.Flush();
        var headerLength = output.WrittenCount - PrefixLength;
        var isCopied = body.Length <= CopiedBodyLength;
        if (isCopied)
        {
            output.Write(body.Span);
        }

        var frame = System.Runtime.InteropServices.MemoryMarshal.AsMemory(output.WrittenMemory);
        BinaryPrimitives.WriteUInt32BigEndian(frame.Span, (uint)(4 + headerLength + body.Length));
        frame.Span[4] = (byte)type;
        BinaryPrimitives.WriteUInt32BigEndian(frame.Span[5..], (uint)headerLength);
        await SendAllAsync(frame, cancellationToken);
        if (!isCopied)
        {
            await SendAllAsync(body, cancellationToken);
        }
    }

    /// <summary>Sends an empty line instead of a frame: what a start script waits for that cannot read frames (runtimes/executable/start.sh).</summary>
    public ValueTask SendGoAsync(CancellationToken cancellationToken) => SendAllAsync("\n"u8.ToArray(), cancellationToken);

    /// <summary>Receives one frame.</summary>
    /// <param name="maximumLength">Most bytes of header and body together.</param>
    /// <param name="cancellationToken">Gives up; the channel cannot be used any more then.</param>
    /// <exception cref="EndOfStreamException">The other end is closed.</exception>
    /// <exception cref="FrameTooLargeException">It is longer.</exception>
    /// <exception cref="FrameException">It is no frame.</exception>
    public async ValueTask<Frame> ReceiveAsync(int maximumLength, CancellationToken cancellationToken)
    {
        await FillAsync(PrefixLength, cancellationToken);
        var prefix = input.AsSpan(start);
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix);
        var type = (FrameType)prefix[4];
        var headerLength = BinaryPrimitives.ReadUInt32BigEndian(prefix[5..]);
        if (type is < FrameType.Ready or > FrameType.ResultEnd || length < 4 || headerLength > length - 4)
        {
            throw new FrameException($"A frame starts with {Convert.ToHexString(prefix[..PrefixLength])}: no known type or impossible lengths.");
        }

        if (length - 4 > maximumLength)
        {
            throw new FrameTooLargeException(length - 4);
        }

        var total = (int)length - 4;
        start += PrefixLength;
        if (total <= input.Length)
        {
            await FillAsync(total, cancellationToken);
            var payload = input.AsMemory(start, total);
            start += total;
            return new Frame(type, payload[..(int)headerLength], payload[(int)headerLength..], IsOwned: false);
        }

        var large = new byte[total];
        var have = Math.Min(end - start, total);
        input.AsSpan(start, have).CopyTo(large);
        start += have;
        for (int count; have < total; have += count)
        {
            count = await ReceiveSomeAsync(large.AsMemory(have), cancellationToken);
        }

        return new Frame(type, large.AsMemory(0, (int)headerLength), large.AsMemory((int)headerLength), IsOwned: true);
    }

    public void Dispose()
    {
        socket.Dispose();
        json.Dispose();
    }

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }

    private async ValueTask FillAsync(int count, CancellationToken cancellationToken)
    {
        if (start == end)
        {
            start = end = 0;
        }
        else if (start + count > input.Length)
        {
            input.AsSpan(start, end - start).CopyTo(input);
            end -= start;
            start = 0;
        }

        while (end - start < count)
        {
            end += await ReceiveSomeAsync(input.AsMemory(end), cancellationToken);
        }
    }

    private async ValueTask<int> ReceiveSomeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        return count > 0 ? count : throw new EndOfStreamException("The sandbox closed its control socket.");
    }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FaasCluster.Runtime;

/// <summary>Frames over descriptor 3 (../PROTOCOL.md). Blocking: there is nothing else to do while waiting.</summary>
internal sealed partial class Channel
{
    private const int Descriptor = 3;
    private const int PrefixBytes = 9;
    private const int EINTR = 4;

    public Channel()
    {
        const int F_SETFD = 2, FD_CLOEXEC = 1;
        _ = fcntl(Descriptor, F_SETFD, FD_CLOEXEC);
    }

    /// <summary>Waits for a frame. The process ends when the worker closes the socket.</summary>
    public static Frame Receive()
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        Fill(prefix);
        var header = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix[5..])];
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix) - 4 - header.Length];
        Fill(header);
        Fill(body);
        return new Frame((FrameType)prefix[4], header, body);
    }

    public static unsafe void Send(FrameType type, ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        var frame = new byte[PrefixBytes + header.Length + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, 4 + header.Length + body.Length);
        frame[4] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), header.Length);
        header.CopyTo(frame.AsSpan(PrefixBytes));
        body.CopyTo(frame.AsSpan(PrefixBytes + header.Length));
        fixed (byte* bytes = frame)
        {
            for (nint sent = 0; sent < frame.Length;)
            {
                var count = write(Descriptor, bytes + sent, frame.Length - sent);
                if (count > 0)
                {
                    sent += count;
                }
                else if (Marshal.GetLastPInvokeError() != EINTR)
                {
                    Environment.Exit(0);
                }
            }
        }
    }

    private static unsafe void Fill(Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            for (nint have = 0; have < buffer.Length;)
            {
                var count = read(Descriptor, bytes + have, buffer.Length - have);
                if (count > 0)
                {
                    have += count;
                }
                else if (count == 0 || Marshal.GetLastPInvokeError() != EINTR)
                {
                    Environment.Exit(0);
                }
            }
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint read(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(int descriptor, byte* buffer, nint length);
}

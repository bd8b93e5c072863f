using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Native;

/// <summary>Messages on Unix sockets that carry open descriptors (unix(7), SCM_RIGHTS).</summary>
internal static unsafe class DescriptorMessage
{
    /// <summary>Most descriptors in one message.</summary>
    public const int MostDescriptors = 16;

    // The data begins at a multiple of 8, and so does what would follow it.
    private static readonly int HeaderSize = (sizeof(Libc.ControlHeader) + 7) & ~7;
    private static readonly int ControlSize = HeaderSize + (((MostDescriptors * sizeof(int)) + 7) & ~7);

    /// <summary>Sends a message and copies of the descriptors.</summary>
    /// <exception cref="IOException">The other end is gone, or the kernel refused it.</exception>
    public static void Send(int socket, ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MostDescriptors);
        var control = stackalloc byte[ControlSize];
        new Span<byte>(control, ControlSize).Clear();
        var header = (Libc.ControlHeader*)control;
        header->Length = (nuint)(HeaderSize + (descriptors.Length * sizeof(int)));
        header->Level = Libc.SOL_SOCKET;
        header->Kind = Libc.SCM_RIGHTS;
        descriptors.CopyTo(new Span<int>(control + HeaderSize, MostDescriptors));
        fixed (byte* bytes = message)
        {
            var vector = new Libc.Vector { Bytes = bytes, Length = (nuint)message.Length };
            var envelope = new Libc.MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = control,
                ControlLength = (nuint)(HeaderSize + (((descriptors.Length * sizeof(int)) + 7) & ~7)),
            };
            while (Libc.sendmsg(socket, &envelope, Libc.SendFlags) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Libc.EINTR)
                {
                    throw Libc.Failed("sendmsg");
                }
            }
        }
    }

    /// <summary>Receives what has arrived: how many bytes, and the descriptors, which the caller then owns.</summary>
    /// <exception cref="IOException">Nothing has arrived, or the kernel refused it.</exception>
    public static int Receive(int socket, Span<byte> buffer, List<int> descriptors)
    {
        var control = stackalloc byte[ControlSize];
        fixed (byte* bytes = buffer)
        {
            var vector = new Libc.Vector { Bytes = bytes, Length = (nuint)buffer.Length };
            var envelope = new Libc.MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)ControlSize };
            nint count;
            while ((count = Libc.recvmsg(socket, &envelope, Libc.ReceiveFlags)) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Libc.EINTR)
                {
                    throw Libc.Failed("recvmsg");
                }
            }

            var header = (Libc.ControlHeader*)control;
            if (envelope.ControlLength >= (nuint)HeaderSize && header->Level == Libc.SOL_SOCKET && header->Kind == Libc.SCM_RIGHTS)
            {
                descriptors.AddRange(new ReadOnlySpan<int>(control + HeaderSize, ((int)header->Length - HeaderSize) / sizeof(int)));
            }

            return (int)count;
        }
    }
}

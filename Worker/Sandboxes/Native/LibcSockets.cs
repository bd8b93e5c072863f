using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Native;

// Sockets: what .NET's own cannot do, which is to pass descriptors and to keep the ends of messages.
internal static partial class Libc
{
    /// <summary>SOCK_SEQPACKET with SOCK_CLOEXEC.</summary>
    public const int PacketSocket = 5 | 0x80000;

    public const int SOL_SOCKET = 1;
    public const int SCM_RIGHTS = 1;

    /// <summary>MSG_NOSIGNAL.</summary>
    public const int SendFlags = 0x4000;

    /// <summary>MSG_CMSG_CLOEXEC and MSG_DONTWAIT.</summary>
    public const int ReceiveFlags = 0x40000000 | 0x40;

    public const int RLIMIT_NOFILE = 7;

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint sendmsg(int socket, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint recvmsg(int socket, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int getsockname(nint socket, byte* address, int* length);

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Vector
    {
        public byte* Bytes;
        public nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct cmsghdr; its data follows.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Kind;
    }
}

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Where the other end of a transparently accepted connection wanted to go: to this socket the kernel gave that very address as its own.</summary>
internal static class OriginalDestination
{
    /// <summary>Asks the kernel and not .NET, which remembers the listener's.</summary>
    /// <exception cref="SocketException">The connection is gone.</exception>
    public static unsafe IPEndPoint Of(Socket accepted)
    {
        const int SizeOfIpv6 = 28;
        var address = stackalloc byte[SizeOfIpv6];
        var length = SizeOfIpv6;
        if (Libc.getsockname(accepted.Handle, address, &length) < 0)
        {
            throw new SocketException((int)SocketError.NotConnected);
        }

        // sockaddr_in: family, port, address. sockaddr_in6: family, port, flow, address.
        var bytes = new ReadOnlySpan<byte>(address, length);
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return accepted.AddressFamily == AddressFamily.InterNetwork ? new IPEndPoint(new IPAddress(bytes.Slice(4, 4)), port) : new IPEndPoint(new IPAddress(bytes.Slice(8, 16)), port);
    }
}

using System.Net;
using System.Net.Sockets;

namespace FaasCluster.Chaos.Servers;

/// <summary>Ports for servers that are killed and started again.</summary>
internal static class FreePorts
{
    /// <summary>A free one below the range of outgoing connections: it must still be free when the server is started again.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = Random.Shared.Next(10_240, 30_240);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                continue;
            }
        }
    }
}

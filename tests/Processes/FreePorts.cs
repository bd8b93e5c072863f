using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FaasCluster.Processes;

/// <summary>TCP ports of the loopback for servers that listen later, and again after they were killed.</summary>
public static class FreePorts
{
    // Below the range of outgoing connections and of servers that let the kernel choose (32768 and up).
    private const int First = 10_240;
    private const int Count = 20_000;

    // Each holds a name in the kernel that no other process can take before this one has ended.
    private static readonly List<Socket> Claims = [];

    /// <summary>A port that nobody listens on and that no other test process was given, until this process ends.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = First + Random.Shared.Next(Count);
            if (Claim(port) is not { } claim)
            {
                continue;
            }

            if (IsFree(port))
            {
                lock (Claims)
                {
                    Claims.Add(claim);
                }

                return port;
            }

            claim.Dispose();
        }
    }

    private static Socket? Claim(int port)
    {
        var claim = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // A leading zero makes it an abstract name: no file is left behind.
            claim.Bind(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"\0faascluster-test-port-{port}")));
            return claim;
        }
        catch (SocketException)
        {
            claim.Dispose();
            return null;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

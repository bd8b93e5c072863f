using System.Net;
using System.Net.Sockets;
using FaasCluster.Chaos.Servers;

namespace FaasCluster.Chaos.Tests;

public sealed class WireTests
{
    [Fact]
    public async Task CutWire_HoldsBackWhatIsSent_AndDeliversItWhenMended()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var wire = new Wire(((IPEndPoint)server.LocalEndpoint).Port);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, wire.Port, TestContext.Current.CancellationToken);
        using var accepted = await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken);

        wire.Cut();
        await client.GetStream().WriteAsync(new byte[] { 42 }, TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => wire.HeldBack == 1, "the byte is held back");
        Assert.Equal(0, accepted.Available);

        wire.Mend();
        Assert.Equal(42, accepted.GetStream().ReadByte());
    }
}

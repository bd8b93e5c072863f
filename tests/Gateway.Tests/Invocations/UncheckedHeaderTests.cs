using System.Net;
using System.Net.Sockets;
using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Invocations;

namespace FaasCluster.Gateway.Tests.Invocations;

/// <summary>What the gateway's check of header fields is good for: the same answers by a server that writes down whatever a function says.</summary>
public sealed class UncheckedHeaderTests
{
    [Theory]
    [InlineData("X-Split", "a\r\nSet-Cookie: evil=1")]
    [InlineData("X-Split: a\r\nSet-Cookie", "evil=1")]
    public async Task Header_WrittenUnchecked_SetsACookieInTheServersName(string name, string value)
    {
        Assert.NotNull(Refuse(name, value));

        var server = ServeUncheckedAsync(name, value, out var address);
        using var client = new HttpClient();
        using var response = await client.GetAsync(address);
        await server;

        Assert.Equal(["evil=1"], response.Headers.GetValues("Set-Cookie"));
    }

    [Fact]
    public async Task Header_WrittenUnchecked_IsAnAnswerOfItsOwn()
    {
        const string value = "a\r\nContent-Length: 4\r\n\r\nevil";
        Assert.NotNull(Refuse("X-Split", value));

        var server = ServeUncheckedAsync("X-Split", value, out var address);
        using var client = new HttpClient();
        var body = await client.GetStringAsync(address);
        await server;

        Assert.Equal("evil", body);
    }

    [Theory]
    [InlineData("Connection", "X-Safe")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("Faas-Billed-Duration", "0")]
    public void Header_ThatIsTheServersToSay_IsNotPassedOn(string name, string value)
    {
        Assert.Null(Refuse(name, value));
        Assert.False(ResultHeaders.IsPassedOn(name, connection: null));
        Assert.False(ResultHeaders.IsPassedOn("X-Safe", connection: "X-Safe"));
        Assert.True(ResultHeaders.IsPassedOn("X-Safe", connection: null));
    }

    private static string? Refuse(string name, string value) =>
        ResultHeaders.Refuse(new InvocationResult { Headers = [new(name, value)], Body = "fine"u8.ToArray() }, isHead: false);

    private static Task ServeUncheckedAsync(string name, string value, out Uri address)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        address = new Uri($"http://{listener.LocalEndpoint}/");
        return AnswerOnceAsync(listener, $"HTTP/1.1 200 OK\r\n{name}: {value}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine");
    }

    private static async Task AnswerOnceAsync(TcpListener listener, string answer)
    {
        using (listener)
        {
            using var client = await listener.AcceptTcpClientAsync();
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, leaveOpen: true);
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }

            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
    }
}

using System.Diagnostics;
using System.Net;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Server-side request forgery: every way to a place that is nobody's business, and that the way exists without the defence.</summary>
[Collection(nameof(NetworkFixture))]
public sealed class RefusalTests
{
    // Prints what came of a request; also run on the host itself, where nothing is in its way.
    internal const string Request = """
        import sys, urllib.request
        def attempt(url):
            try: return urllib.request.urlopen(url, timeout=60).read().decode()
            except OSError as error: return 'failed: ' + str(error)
        def handler(event, context): return attempt(event['url'])
        if __name__ == '__main__': print(attempt(sys.argv[1]))
        """;

    private readonly NetworkFixture fixture;

    public RefusalTests(NetworkFixture fixture)
    {
        NetworkFixture.SkipWithoutHostAddress();
        this.fixture = fixture;
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.1")]
    [InlineData("localhost")]
    [InlineData("0x7f.1")]
    [InlineData("2130706433")]
    [InlineData("017700000001")]
    [InlineData("0.0.0.0")]
    [InlineData("0")]
    [InlineData("[::ffff:127.0.0.1]")]
    public async Task Loopback_HoweverWritten_IsTheSandboxesOwn(string host)
    {
        await using var server = new TestServer(IPAddress.Loopback);
        var url = $"http://{host}:{server.Port}/";

        var outcome = await fixture.RunAsync(fixture.Python(Request), $$"""{"url":"{{url}}"}""");

        Assert.Contains("refused", SandboxFixture.Text(outcome));
        Assert.Equal(0, server.Accepted);
        Assert.Equal("reached", await RunOnHostAsync(url));
    }

    [Fact]
    public async Task HostsOwnAddress_IsRefusedAndCountedAndSaidSo()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress);
        using var refusals = new Refusals();
        var log = new TestLog();
        var url = $"http://{server.EndPoint}/";

        var outcome = await fixture.RunAsync(fixture.Python(Request), $$"""{"url":"{{url}}"}""", log);

        Assert.Contains("reset", SandboxFixture.Text(outcome));
        Assert.Equal(0, server.Accepted);
        Assert.Contains($"platform: connection to {server.EndPoint} refused: it is an address of the worker's host", log.Text);
        Assert.Contains("host test", refusals.Seen);
        Assert.Equal("reached", await RunOnHostAsync(url));

        using var open = fixture.Policy.Open(server.EndPoint);
        Assert.Equal("\"reached\"", SandboxFixture.Text(await fixture.RunAsync(fixture.Python(Request), $$"""{"url":"{{url}}"}""")));
    }

    [Fact]
    public async Task Redirect_ToTheHost_IsRefused()
    {
        await using var inner = new TestServer(NetworkFixture.HostAddress);
        TestServer outer = null!;
        outer = new TestServer(NetworkFixture.HostAddress, socket => outer.AnswerAsync(socket, $"HTTP/1.0 302 Found\r\nLocation: http://{inner.EndPoint}/\r\n\r\n"));
        await using var ending = outer;
        using var open = fixture.Policy.Open(outer.EndPoint);
        var log = new TestLog();
        var body = $$"""{"url":"http://{{outer.EndPoint}}/"}""";

        var outcome = await fixture.RunAsync(fixture.Python(Request), body, log);

        Assert.Contains("reset", SandboxFixture.Text(outcome));
        Assert.Equal((1, 0), (outer.Accepted, inner.Accepted));
        Assert.Contains($"connection to {inner.EndPoint} refused", log.Text);

        using var openToo = fixture.Policy.Open(inner.EndPoint);
        Assert.Equal("\"reached\"", SandboxFixture.Text(await fixture.RunAsync(fixture.Python(Request), body)));
    }

    [Fact]
    public async Task Rebinding_OfANameToTheHost_IsRefused()
    {
        // A program that checks what a name means and then connects by the name asks twice.
        await using var server = new TestServer(NetworkFixture.HostAddress);
        fixture.Names.SetAddress("rebind.example", IPAddress.Parse("203.0.113.7"), NetworkFixture.HostAddress);
        var log = new TestLog();
        var revision = fixture.Python(Request + "\nimport socket\ndef handler(event, context): return [socket.gethostbyname('rebind.example'), attempt(event['url'])]");
        var body = $$"""{"url":"http://rebind.example:{{server.Port}}/"}""";

        var text = SandboxFixture.Text(await fixture.RunAsync(revision, body, log));

        Assert.Contains("203.0.113.7", text);
        Assert.Contains("reset", text);
        Assert.Equal(0, server.Accepted);
        Assert.Contains($"connection to {server.EndPoint} refused", log.Text);

        fixture.Names.SetAddress("rebind.example", IPAddress.Parse("203.0.113.7"), NetworkFixture.HostAddress);
        using var open = fixture.Policy.Open(server.EndPoint);
        Assert.Contains("reached", SandboxFixture.Text(await fixture.RunAsync(revision, body)));
    }

    [Fact]
    public async Task Refusals_WithoutEnd_FillNoLog()
    {
        var log = new TestLog();
        var outcome = await fixture.RunAsync(
            fixture.Python("""
                import socket
                def handler(event, context):
                    for i in range(300):
                        try:
                            with socket.create_connection(('10.0.0.%d' % (i % 250 + 1), 80), 60) as client: client.recv(1)
                        except ConnectionResetError: pass
                """),
            log: log);

        SandboxFixture.Text(outcome);
        Assert.Equal(51, log.Lines.Count);
        Assert.Contains("more lines", log.Lines[^1].Line);
    }

    private static async Task<string> RunOnHostAsync(string url)
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardOutput = true };
        // Without anybody's settings of proxies.
        start.Environment.Clear();
        foreach (var argument in new[] { "-c", Request, url })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return text.Trim();
    }
}

using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Processes;
using FaasCluster.Worker.Sandboxes.Network;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>A server on an address that is not this host's, in a network that the operator opened: nothing of the policy is replaced.</summary>
[Collection(nameof(NetworkFixture))]
public sealed class OtherHostTests(NetworkFixture fixture)
{
    private const int Port = 80;

    private const string Code = """
        import urllib.request
        def attempt(url):
            try: return urllib.request.urlopen(url, timeout=100).read().decode()
            except OSError as error: return 'failed: ' + str(error)
        def handler(event, context): return [attempt(url) for url in event]
        """;

    [Fact]
    public async Task Server_OnAnotherHost_IsReachedByEgressAlone_AndThisHostsEndOfTheLineIsNot()
    {
        using var other = OtherHost.TryStart(Port, out var problem);
        Assert.SkipWhen(other is null, problem ?? "");
        await using var server = new TestServer(other!.Listener);
        fixture.Names.SetAddress("other.example", other.Address);
        var host = fixture.Get<HostAddresses>();
        await Wait.UntilAsync(() => host.Contains(other.ThisHost), () => $"{other.ThisHost} is not known as this host's.");
        Assert.False(host.Contains(other.Address));
        var body = $$"""["http://{{other.Address}}/","http://other.example/","http://{{other.ThisHost}}/"]""";
        var log = new TestLog();

        // 1. By address and by name; this host's own address is refused although it is in the opened network.
        var reached = JsonSerializer.Deserialize<string[]>(SandboxFixture.Text(await fixture.RunAsync(fixture.Python(Code), body, log)))!;
        Assert.Equal(["reached", "reached"], reached[..2]);
        Assert.Contains("reset", reached[2]);
        Assert.Contains($"platform: connection to {other.ThisHost}:{Port} refused: it is an address of the worker's host", log.Text);
        Assert.Equal(2, server.Requests.Count);

        // 2. It is the policy of the function that opens the way.
        var unreached = SandboxFixture.Text(await fixture.RunAsync(fixture.Python(Code, manifest => manifest with { Network = NetworkPolicy.None }), body));
        Assert.DoesNotContain("reached\"", unreached);
        Assert.Contains("Network is unreachable", unreached);
        Assert.Equal(2, server.Requests.Count);
    }
}

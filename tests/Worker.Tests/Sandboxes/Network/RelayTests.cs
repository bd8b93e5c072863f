using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Network;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>The way from inside to the gateway.</summary>
[Collection(nameof(NetworkFixture))]
public sealed class RelayTests(NetworkFixture fixture)
{
    private const string Call = """
        import os, urllib.request
        def handler(event, context):
            request = urllib.request.Request(os.environ['FAAS_ENDPOINT'] + '/api/functions', headers={'Faas-Key': 'k'})
            return urllib.request.urlopen(request, timeout=60).read().decode()
        """;

    [Theory]
    [InlineData(NetworkPolicy.None)]
    [InlineData(NetworkPolicy.Egress)]
    public async Task Endpoint_LeadsToTheGateway(NetworkPolicy policy)
    {
        var outcome = await fixture.RunAsync(fixture.Python(Call, manifest => manifest with { Network = policy }));

        Assert.Equal("\"reached\"", SandboxFixture.Text(outcome));
        Assert.Contains(fixture.Gateway.Requests, request => request.StartsWith("GET /api/functions ", StringComparison.Ordinal) && request.Contains("Faas-Key: k", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Endpoint_OfAnExecutable_LeadsToTheGateway()
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/bash\nexec 4<>/dev/tcp/127.0.0.1/80\nprintf 'GET /from-shell HTTP/1.0\\r\\n\\r\\n' >&4\ntail -n1 <&4; echo \"$FAAS_ENDPOINT\""));

        Assert.Equal("reachedhttp://127.0.0.1\n", SandboxFixture.Text(outcome));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", "http://127.0.0.1:8080/")]
    [InlineData("http://0.0.0.0:8080", "http://127.0.0.1:8080/")]
    [InlineData("http://[::]:8080", "http://127.0.0.1:8080/")]
    [InlineData("http://*:8080", "http://127.0.0.1:8080/")]
    [InlineData("https://gateway.example:8443", "https://gateway.example:8443/")]
    public void Address_OfTheProcessItself_IsMadeOneToCall(string address, string expected)
    {
        var endpoint = new GatewayEndpoint(Options.Create(new SandboxOptions()));
        Assert.Null(endpoint.Url);

        endpoint.Found(address);

        Assert.Equal(expected, endpoint.Url!.ToString());
    }

    [Fact]
    public async Task Endpoint_WithoutAGateway_SaysWhatIsMissing()
    {
        await using var other = new WithoutGateway();
        await other.InitializeAsync();

        var outcome = await other.RunAsync(other.Python("""
            import os, urllib.request, urllib.error
            def handler(event, context):
                try: urllib.request.urlopen(os.environ['FAAS_ENDPOINT'], timeout=60)
                except urllib.error.HTTPError as error: return [error.code, error.read().decode()]
            """));

        var text = SandboxFixture.Text(outcome);
        Assert.StartsWith("[503", text);
        Assert.Contains("Sandbox:GatewayUrl", text);
    }

    private sealed class WithoutGateway : SandboxFixture;
}

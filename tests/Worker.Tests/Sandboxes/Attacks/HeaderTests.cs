namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>Header fields that split or forge an answer: what comes of them before the gateway refuses them.</summary>
public sealed class HeaderTests(HeaderTests.Fixture fixture) : IClassFixture<HeaderTests.Fixture>
{
    private const string Hostile = "a\r\nSet-Cookie: evil=1\r\n\r\n";

    [Fact]
    public async Task Header_OfAFunction_ReachesTheGatewayAsOneField()
    {
        var revision = fixture.Python("def handler(request): return 'x', 200, {'X-Split': 'a\\r\\nSet-Cookie: evil=1\\r\\n\\r\\n'}");

        var outcome = await fixture.RunAsync(revision, http: SandboxFixture.Get());

        Assert.Equal("x", SandboxFixture.Text(outcome));
        Assert.Equal([KeyValuePair.Create("X-Split", Hostile)], outcome.Result!.Headers);
    }

    [Fact]
    public async Task Header_ThatAProgramPrints_IsText()
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\nprintf 'Status: 302\\r\\nSet-Cookie: evil=1\\r\\n\\r\\nx'"), http: SandboxFixture.Get());

        Assert.Equal("Status: 302\r\nSet-Cookie: evil=1\r\n\r\nx", SandboxFixture.Text(outcome));
        Assert.Empty(outcome.Result!.Headers);
        Assert.Null(outcome.Result.HttpStatus);
    }

    public sealed class Fixture : SandboxFixture
    {
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:PoolMaximum"] = "0" };
    }
}

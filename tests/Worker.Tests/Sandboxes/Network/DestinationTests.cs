using System.Net;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Places that are refused, and that are dialled without the policy: in vain, for nobody is there.</summary>
public sealed class DestinationTests : IClassFixture<DestinationTests.Fixture>
{
    private readonly Fixture fixture;

    public DestinationTests(Fixture fixture)
    {
        NetworkFixture.SkipWithoutHostAddress();
        this.fixture = fixture;
    }

    [Theory]
    [InlineData("169.254.169.254:80", "link_local")]
    [InlineData("[fd00:ec2::254]:80", "link_local")]
    [InlineData("[fe80::1]:80", null)]
    [InlineData("10.1.2.3:80", "private")]
    [InlineData("[64:ff9b::7f00:1]:80", "loopback")]
    [InlineData("[2002:7f00:1::]:80", "loopback")]
    [InlineData("[::127.0.0.1]:80", "loopback")]
    [InlineData("198.18.7.1:5672", "platform")]
    [InlineData("198.18.7.2:5433", "platform")]
    [InlineData("198.18.7.3:5432", "platform")]
    [InlineData("192.0.0.8:80", "private")]
    public async Task Destination_ThatIsNotOfTheInternet_IsRefusedBeforeAnythingIsDialled(string destination, string? reason)
    {
        var (log, opened) = (new TestLog(), new TestLog());
        using var refusals = new Refusals();
        var body = $$"""{"url":"http://{{destination}}/"}""";

        Assert.Contains("failed", SandboxFixture.Text(await fixture.RunAsync(fixture.Python(RefusalTests.Request), body, log)));

        if (reason is null)
        {
            // The sandbox's own kernel has no way there.
            return;
        }

        Assert.Contains($"platform: connection to {IPEndPoint.Parse(destination)} refused: ", log.Text);
        Assert.Contains($"{reason} test", refusals.Seen);

        // Without the policy it is dialled.
        using var open = fixture.Policy.Open(IPEndPoint.Parse(destination));
        await fixture.RunAsync(fixture.Python(RefusalTests.Request), body, opened);
        Assert.DoesNotContain("refused:", opened.Text);
    }

    public sealed class Fixture : NetworkFixture
    {
        // The time is over without an answer, in most cases.
        protected override Dictionary<string, string?> Settings => new(base.Settings) { ["Sandbox:DialTimeout"] = "00:00:01" };
    }
}

using System.Net;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Network;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Where functions may connect to.</summary>
public sealed class PolicyTests
{
    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("::ffff:1.1.1.1")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("64:ff9b::101:101")]
    public void Address_OfTheInternet_IsAllowed(string address) => Assert.Null(Judge(address));

    [Theory]
    [InlineData("10.255.255.255", "private")]
    [InlineData("100.64.0.1", "private")]
    [InlineData("172.16.0.1", "private")]
    [InlineData("192.168.1.1", "private")]
    [InlineData("192.0.2.1", "private")]
    [InlineData("fc00::1", "private")]
    [InlineData("2001:db8::1", "private")]
    [InlineData("::ffff:10.0.0.1", "private")]
    [InlineData("64:ff9b::a00:1", "private")]
    [InlineData("2002:a00:1::", "private")]
    public void Address_OfAPrivateNetwork_IsRefusedUnlessTheOperatorAllowsIt(string address, string reason)
    {
        Assert.Equal(reason, Judge(address)?.Reason);
        Assert.Null(Judge(address, "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/8", "fc00::/7", "2001:db8::/32", "2002::/16"));
    }

    [Theory]
    [InlineData("127.0.0.1", "loopback")]
    [InlineData("127.255.255.254", "loopback")]
    [InlineData("0.0.0.0", "loopback")]
    [InlineData("::", "loopback")]
    [InlineData("::1", "loopback")]
    [InlineData("::ffff:127.0.0.1", "loopback")]
    [InlineData("::127.0.0.1", "loopback")]
    [InlineData("64:ff9b::7f00:1", "loopback")]
    [InlineData("64:ff9b:1::7f00:1", "loopback")]
    [InlineData("2002:7f00:1::", "loopback")]
    [InlineData("2001:0:101:101::80ff:fffe", "loopback")]
    [InlineData("2606:4700::5efe:7f00:1", "loopback")]
    [InlineData("169.254.169.254", "link_local")]
    [InlineData("::ffff:169.254.169.254", "link_local")]
    [InlineData("64:ff9b::a9fe:a9fe", "link_local")]
    [InlineData("fe80::1", "link_local")]
    [InlineData("fd00:ec2::254", "link_local")]
    [InlineData("fd20:ce::254", "link_local")]
    [InlineData("100.100.100.200", "link_local")]
    [InlineData("168.63.129.16", "link_local")]
    [InlineData("224.0.0.1", "multicast")]
    [InlineData("255.255.255.255", "multicast")]
    [InlineData("ff02::1", "multicast")]
    [InlineData("198.18.7.1", "platform")]
    [InlineData("::ffff:198.18.7.1", "platform")]
    [InlineData("2002:c612:701::", "platform")]
    [InlineData("198.18.7.2", "platform")]
    public void Address_OfHostCloudOrPlatform_IsRefusedWhateverTheOperatorAllows(string address, string reason)
    {
        Assert.Equal(reason, Judge(address)?.Reason);
        Assert.Equal(reason, Judge(address, "0.0.0.0/0", "::/0")?.Reason);
    }

    [Fact]
    public void Address_OfThisHost_IsRefusedWhateverTheOperatorAllows()
    {
        NetworkFixture.SkipWithoutHostAddress();

        Assert.Equal("host", Judge(NetworkFixture.HostAddress.ToString(), "0.0.0.0/0")?.Reason);
        Assert.Equal("host", Judge(NetworkFixture.HostAddress.MapToIPv6().ToString(), "0.0.0.0/0")?.Reason);
    }

    [Theory]
    [InlineData("amqp://u:p@rabbit:5673/v", null, "rabbit:5673")]
    [InlineData("amqps://u:p@a.example/, amqp://u:p@[fd00::5]/v", null, "a.example:5671 fd00::5:5672")]
    [InlineData(null, "Host=db;Port=5555", "db:5555")]
    [InlineData(null, "Host=a:5433,b,[fd00::1]:5434,fd00::2,/run/postgresql", "a:5433 b:5432 fd00::1:5434 fd00::2:5432")]
    [InlineData(null, "no connection string", "")]
    [InlineData(null, null, "")]
    public void Servers_OfThePlatform_AreThoseOfItsConnectionStrings(string? broker, string? database, string expected)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:RabbitMq"] = broker, ["ConnectionStrings:Postgres"] = database }).Build();

        Assert.Equal(expected, string.Join(' ', PlatformAddresses.Servers(configuration).Select(server => $"{server.Host}:{server.Port}")));
    }

    [Fact]
    public void Settings_ThatAreWrong_AreAllNamed()
    {
        var result = new NetworkSettings().Validate(null, new SandboxOptions
        {
            AllowedNetworks = ["10.0.0.0/8", "10.1.2.3/33"],
            NameServers = ["10.0.0.2:53", "dns.example"],
            GatewayUrl = new Uri("http://gateway:8080/path"),
        });

        Assert.Equal(3, result.Failures!.Count());
        Assert.Contains(result.Failures!, failure => failure.Contains("'10.1.2.3/33'"));
        Assert.Contains(result.Failures!, failure => failure.Contains("'dns.example'"));
        Assert.Contains(result.Failures!, failure => failure.Contains("/path"));
    }

    private static Refusal? Judge(string address, params string[] allowed)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:RabbitMq"] = "amqp://u:p@198.18.7.1/", ["ConnectionStrings:Postgres"] = "Host=198.18.7.2" }).Build();
        using var platform = new PlatformAddresses(configuration, TimeProvider.System);
        platform.LookUpAsync().GetAwaiter().GetResult();
        using var host = new HostAddresses(TimeProvider.System);
        return new EgressPolicy(Options.Create(new SandboxOptions { AllowedNetworks = allowed }), host, platform).Judge(new IPEndPoint(IPAddress.Parse(address), 443));
    }
}

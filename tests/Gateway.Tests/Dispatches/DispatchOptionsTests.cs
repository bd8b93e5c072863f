using FaasCluster.Gateway.Dispatches;
using Microsoft.Extensions.Configuration;

namespace FaasCluster.Gateway.Tests.Dispatches;

public sealed class DispatchOptionsTests
{
    [Theory]
    [InlineData("amqp://user:pw@broker:5672/users", null)]
    [InlineData("amqps://user:pw@broker/", null)]
    [InlineData("", "no AMQP URI")]
    [InlineData("https://user:pw@broker/", "no AMQP URI")]
    [InlineData("amqp://broker/", "names no user")]
    [InlineData("amqp://user:pw@own/faas", "virtual host of their own")]
    [InlineData("amqp://user:pw@OWN:5672/faas", "virtual host of their own")]
    [InlineData("amqp://user:pw@own/users", null)]
    public void Validate_AddressOfAConnection_IsToldWithItsSettingButNotRepeated(string uri, string? expected)
    {
        var problem = Validate(new() { Connections = new Dictionary<string, QueueConnectionOptions> { ["orders"] = new() { Uri = uri } } });

        Assert.Equal(expected is null, problem is null);
        Assert.Contains(expected ?? "", problem ?? "");
        Assert.StartsWith(expected is null ? "" : "Destinations:Connections:orders:Uri: ", problem ?? "");
        Assert.DoesNotContain("pw", problem ?? "");
    }

    [Fact]
    public void Validate_WhatCannotBe_IsNamed()
    {
        Assert.Contains("'10.1.2.3/33'", Validate(new() { AllowedNetworks = ["10.1.2.3/33"] }));
        Assert.Contains("LongestBackoff", Validate(new() { FirstBackoff = TimeSpan.FromMinutes(2), LongestBackoff = TimeSpan.FromMinutes(1) }));
        Assert.Contains("Connections:a b", Validate(new() { Connections = new Dictionary<string, QueueConnectionOptions> { ["a b"] = new() { Uri = "amqp://a:b@c/" } } }));
        Assert.Null(Validate(new()));
    }

    [Fact]
    public void Backoff_OfManyAttempts_DoublesUpToTheLongest()
    {
        var options = new DispatchOptions();

        Assert.Equal(TimeSpan.FromSeconds(1), DispatchRelay.Backoff(1, options, 0));
        Assert.Equal(TimeSpan.FromSeconds(4.8), DispatchRelay.Backoff(3, options, 1));
        Assert.Equal(TimeSpan.FromMinutes(5), DispatchRelay.Backoff(10, options, 0));
        Assert.Equal(TimeSpan.FromMinutes(6), DispatchRelay.Backoff(int.MaxValue, options, 1));
    }

    private static string? Validate(DispatchOptions options)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:RabbitMq"] = "amqp://faas:pw@own:5672/faas" }).Build();
        return new DispatchOptionsValidator(configuration).Validate(null, options).FailureMessage;
    }
}

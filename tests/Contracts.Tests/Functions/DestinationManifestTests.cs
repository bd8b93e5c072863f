using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Tests.Functions;

public sealed class DestinationManifestTests
{
    private const string Least = "name: hello\nruntime: python3\nhandler: app.handler\n";

    [Fact]
    public void Read_FunctionAndQueue_AreTaken()
    {
        var manifest = ManifestReader.Read(
            Least + "onSuccess: { function: audit }\nonFailure: { exchange: events, routingKey: failed, connection: orders }\n", out var errors);

        Assert.Empty(errors);
        Assert.Equal(new Destination { Function = "audit" }, manifest!.OnSuccess);
        Assert.Equal(new Destination { Connection = "orders", Exchange = "events", RoutingKey = "failed" }, manifest.OnFailure);
    }

    [Fact]
    public void Read_QueueAlone_IsOneOfTheDefaultExchangeAndConnection()
    {
        var manifest = ManifestReader.Read(Least + "onFailure: { queue: failures }\n", out _);

        Assert.Equal(new Destination { Connection = "default", RoutingKey = "failures" }, manifest!.OnFailure);
        Assert.Null(manifest.OnSuccess);
    }

    [Theory]
    [InlineData("onSuccess: audit", "onSuccess")]
    [InlineData("onSuccess: {}", "onSuccess")]
    [InlineData("onSuccess: { function: a, queue: b }", "onSuccess")]
    [InlineData("onSuccess: { queue: a, exchange: b }", "onSuccess")]
    [InlineData("onSuccess: { function: Audit }", "onSuccess.function")]
    [InlineData("onSuccess: { function: a, routingKey: c }", "onSuccess.routingKey")]
    [InlineData("onSuccess: { queue: a, routingKey: c }", "onSuccess.routingKey")]
    [InlineData("onSuccess: { function: a, connection: c }", "onSuccess.connection")]
    [InlineData("onFailure: { queue: a, connection: 'amqp://u:p@host/' }", "onFailure.connection")]
    [InlineData("onFailure: { queue: a, uri: x }", "onFailure.uri")]
    [InlineData("onFailure: { queue: [a] }", "onFailure.queue")]
    [InlineData("onFailure: { queue: faas.dead }", "onFailure.queue")]
    [InlineData("onFailure: { exchange: faas.invoke, routingKey: a }", "onFailure.exchange")]
    public void Read_WhatIsNoDestination_IsNamed(string line, string field)
    {
        Assert.Null(ManifestReader.Read(Least + line + "\n", out var errors));

        Assert.Contains(field, errors.Select(error => error.Field));
    }

    [Fact]
    public void Read_LongRoutingKey_IsNamed()
    {
        Assert.Null(ManifestReader.Read(Least + $"onFailure: {{ exchange: a, routingKey: {new string('x', 128)} }}\n", out var errors));

        Assert.Equal("onFailure.routingKey", Assert.Single(errors).Field);
    }
}

using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>The conformance suite on RabbitMQ: every node has connections of its own, every test a virtual host.</summary>
public sealed class RabbitMqInvocationPathTests : InvocationPathTests
{
    private readonly BrokerVirtualHost _broker = new();

    protected override async Task<MessagingNode> StartAsync(Dictionary<string, string?> settings)
    {
        await _broker.InitializeAsync();
        settings["ConnectionStrings:RabbitMq"] = _broker.Uri;
        return await MessagingNode.StartAsync(settings);
    }

    protected override ValueTask EndAsync() => _broker.DisposeAsync();
}

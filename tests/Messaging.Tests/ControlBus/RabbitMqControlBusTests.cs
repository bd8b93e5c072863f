using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.Tests.RabbitMq;
using FaasCluster.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.Tests.ControlBus;

public sealed class RabbitMqControlBusTests(BrokerVirtualHost broker) : ControlBusTests, IClassFixture<BrokerVirtualHost>
{
    [Fact]
    public async Task Publish_EveryNode_Hears()
    {
        var (here, there) = (new Ear<FunctionWarmed>(), new Ear<FunctionWarmed>());
        await using var node = await StartNodeAsync(services => services.AddSingleton<IControlBusHandler<FunctionWarmed>>(here));
        await using var other = await StartNodeAsync(services => services.AddSingleton<IControlBusHandler<FunctionWarmed>>(there));
        await using var probe = await BrokerProbe.ConnectAsync(broker.Uri);
        await probe.WhenConsumedAsync(BrokerNames.Bus(other.NodeId));
        var message = new FunctionWarmed { FunctionId = Guid.NewGuid(), WorkerId = "w1" };

        await node.Bus.PublishAsync(message, CancellationToken.None);

        Assert.Equal(message, await here.HearAsync(Patience));
        Assert.Equal(message, await there.HearAsync(Patience));
    }

    [Fact]
    public async Task Stop_LastWordsAreHeardAndNoQueueIsLeft()
    {
        var ear = new Ear<FunctionCooled>();
        await using var other = await StartNodeAsync(services => services.AddSingleton<IControlBusHandler<FunctionCooled>>(ear));
        await using var probe = await BrokerProbe.ConnectAsync(broker.Uri);
        await probe.WhenConsumedAsync(BrokerNames.Bus(other.NodeId));
        var node = await StartNodeAsync();
        var nodeId = node.NodeId;
        await probe.WhenConsumedAsync(BrokerNames.Bus(nodeId));
        var message = new FunctionCooled { FunctionId = Guid.NewGuid(), WorkerId = "w1" };

        await node.Bus.PublishAsync(message, CancellationToken.None);
        await node.DisposeAsync();

        Assert.Equal(message, await ear.HearAsync(Patience));
        // The broker deletes it when it notices that nobody consumes it any more.
        await Eventually.TrueAsync(async () => await probe.QueueAsync(BrokerNames.Bus(nodeId)) is null, "its queue is gone");
    }

    protected override Task<MessagingNode> StartNodeAsync(Action<IServiceCollection>? configure = null) =>
        MessagingNode.StartAsync(new() { ["ConnectionStrings:RabbitMq"] = broker.Uri }, configure);
}

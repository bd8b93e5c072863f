using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Consuming;
using FaasCluster.Messaging.RabbitMq.Queues;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq;

/// <summary>The worker's side on RabbitMQ.</summary>
internal sealed class RabbitMqReceiver(
    BrokerConnections connections, Settlement settlement, PresenceQueue presence, WarmQueues warmQueues, IOptions<MessagingOptions> options, TimeProvider time, ILogger<RabbitMqReceiver> logger)
    : IInvocationReceiver
{
    private const int DeadPrefetch = 100;

    /// <inheritdoc/>
    public async Task<IColdSubscription> SubscribeColdAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken)
    {
        await TriedAsync(presence.StartAsync(), cancellationToken);
        var consumer = Consume(new ConsumerPlan { Queue = BrokerNames.Cold, Source = DeliverySource.Cold, OnDelivery = onDelivery });
        await TriedAsync(consumer.Tried, cancellationToken);
        return new ColdSubscription(consumer);
    }

    /// <inheritdoc/>
    public async Task<ILaneSubscription> SubscribeLaneAsync(Guid functionId, int prefetch, Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken)
    {
        await TriedAsync(presence.StartAsync(), cancellationToken);
        var warm = Consume(new ConsumerPlan
        {
            Queue = BrokerNames.Warm(functionId),
            Source = DeliverySource.Warm,
            OnDelivery = onDelivery,
            Prefetch = prefetch,
            Arguments = QueueArguments.WarmSubscription(),
            Prepare = (channel, stopping) => warmQueues.DeclareAsync(channel.Link, functionId, stopping),
            Confirm = (channel, stopping) => WarmQueues.BindAsync(channel.Channel, functionId, stopping),
            UsualErrors = [Constants.AccessRefused, Constants.NotFound],
            NeverLeaves = true,
        });
        var asynchronous = Consume(new ConsumerPlan
        {
            Queue = BrokerNames.AsyncQueue(functionId),
            Source = DeliverySource.Asynchronous,
            OnDelivery = onDelivery,
            Prefetch = prefetch,

            // Never declared here: a worker that had not heard of a deletion would bring the queue back. If it is not there yet, the channel
            // is closed and the next try follows within seconds.
            Prepare = (channel, stopping) => channel.Channel.QueueDeclarePassiveAsync(BrokerNames.AsyncQueue(functionId), stopping),
            NeverLeaves = true,
        });
        await TriedAsync(Task.WhenAll(warm.Tried, asynchronous.Tried), cancellationToken);
        return new LaneSubscription(functionId, warm, asynchronous, warmQueues, connections.Consuming, options.Value.ConfirmTimeout);
    }

    /// <inheritdoc/>
    public async Task<IAsyncDisposable> SubscribeDeadAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken)
    {
        var consumer = Consume(new ConsumerPlan { Queue = BrokerNames.Dead, Source = DeliverySource.Dead, OnDelivery = onDelivery, Prefetch = DeadPrefetch });
        await TriedAsync(consumer.Tried, cancellationToken);
        return consumer;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<Guid, int> CountHeldEvents() => settlement.Held.Count();

    private QueueConsumer Consume(ConsumerPlan plan) => new(plan, connections.Consuming, settlement, time, logger);

    // A broker that is away must not hold up its caller: the subscription begins when it is back.
    private async Task TriedAsync(Task tried, CancellationToken cancellationToken)
    {
        try
        {
            await tried.WaitAsync(options.Value.ConfirmTimeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // It goes on trying by itself.
        }
    }
}

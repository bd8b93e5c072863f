using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Queues;

/// <summary>
/// Joining and leaving warm queues. Workers do both at any moment and know nothing of each other; what keeps calls safe is that
/// only a consumer touches the binding. One that joins consumes first and binds then. One that leaves cancels, and tries to
/// consume again exclusively: that fails while there is anybody else, and while it lasts nobody can join. Holding it, it unbinds,
/// sends what still arrives to the cold queue, and deletes.
/// </summary>
internal sealed class WarmQueues(Topology topology, TimeProvider time, ILogger<WarmQueues> logger)
{
    /// <summary>
    /// A message that was routed before the unbinding may still be on its way between the broker's processes, and a queue that is
    /// deleted in that moment loses it.
    /// </summary>
    private static readonly TimeSpan OnTheWay = TimeSpan.FromMilliseconds(50);

    /// <summary>Before consuming: the queue is there, perhaps without a binding.</summary>
    public Task DeclareAsync(BrokerLink link, Guid functionId, CancellationToken cancellationToken) =>
        topology.DeclareWarmAsync(link, functionId, cancellationToken);

    /// <summary>After consuming began, and now and then: an operator may have unbound it.</summary>
    public static Task BindAsync(IChannel channel, Guid functionId, CancellationToken cancellationToken) =>
        channel.QueueBindAsync(BrokerNames.Warm(functionId), BrokerNames.Invoke, BrokerNames.RoutingKey(functionId), cancellationToken: cancellationToken);

    /// <summary>After consuming ended: the last one takes the queue away, and what lies in it goes cold. Never throws for the broker.</summary>
    public async Task LeaveAsync(BrokerLink link, Guid functionId, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await Topology.OpenAsync(link, cancellationToken);
            await TakeAwayAsync(channel, functionId, cancellationToken);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode is Constants.AccessRefused or Constants.NotFound)
        {
            // It has other consumers, or another one took it away.
        }
        catch (Exception exception)
        {
            Log.LeaveFailed(logger, functionId, exception.Message);
        }
    }

    private async Task TakeAwayAsync(IChannel channel, Guid functionId, CancellationToken cancellationToken)
    {
        var queue = BrokerNames.Warm(functionId);
        var rest = new SpillingConsumer(channel, time);
        await channel.BasicConsumeAsync(
            queue, autoAck: false, consumerTag: "", noLocal: false, exclusive: true, arguments: null, rest, cancellationToken);
        await channel.QueueUnbindAsync(queue, BrokerNames.Invoke, BrokerNames.RoutingKey(functionId), cancellationToken: cancellationToken);
        var unboundAt = time.GetTimestamp();
        while (time.GetElapsedTime(Math.Max(unboundAt, rest.LastAt)) is var quiet && quiet < OnTheWay)
        {
            await Task.Delay(OnTheWay - quiet, time, cancellationToken);
        }

        // Whatever was rejected before this is dead-lettered before this: the broker keeps the order on a channel.
        await channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false, cancellationToken: cancellationToken);
    }

    /// <summary>Sends everything to the cold queue.</summary>
    private sealed class SpillingConsumer(IChannel channel, TimeProvider time) : AsyncDefaultBasicConsumer(channel)
    {
        private long lastAt;

        /// <summary>When something came last.</summary>
        public long LastAt => Interlocked.Read(ref lastAt);

        public override async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            Interlocked.Exchange(ref lastAt, time.GetTimestamp());
            await Channel.BasicRejectAsync(deliveryTag, requeue: false, cancellationToken);
        }
    }
}

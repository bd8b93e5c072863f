using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Queues;

/// <summary>Asks by AMQP, which tells what lies ready and not what is unacknowledged; the management plugin may not be there.</summary>
internal sealed class QueueDepthReader(BrokerConnections connections) : IQueueDepths
{
    public async Task<QueueDepths> ReadAsync(IReadOnlyCollection<Guid> functionIds, CancellationToken cancellationToken)
    {
        var link = await connections.Consuming.TryGetAsync(cancellationToken)
            ?? throw new MessagingUnavailableException($"The queues were not counted: {connections.Problem ?? "the connection to RabbitMQ was lost"}");
        IChannel? channel = null;
        try
        {
            var ready = new Dictionary<Guid, long>();
            foreach (var functionId in functionIds)
            {
                channel ??= await Topology.OpenAsync(link, cancellationToken);
                ready[functionId] = await CountAsync(BrokerNames.AsyncQueue(functionId));
            }

            channel ??= await Topology.OpenAsync(link, cancellationToken);
            return new QueueDepths(ready, await CountAsync(BrokerNames.Dead));
        }
        catch (Exception exception) when (exception is OperationInterruptedException or AlreadyClosedException or ObjectDisposedException)
        {
            throw new MessagingUnavailableException($"The queues were not counted: {exception.Message}", exception);
        }
        finally
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }
        }

        async Task<long> CountAsync(string queue)
        {
            try
            {
                return (await channel!.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount;
            }
            catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
            {
                // The broker closes a channel that asks for what is not there.
                await channel!.DisposeAsync();
                channel = null;
                return 0;
            }
        }
    }
}

using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Queues;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>A worker's share of the cold queue.</summary>
internal sealed class ColdSubscription(QueueConsumer consumer) : IColdSubscription
{
    public Task SetRoomAsync(int room, CancellationToken cancellationToken) => consumer.SetPrefetchAsync(room, cancellationToken);

    public ValueTask DisposeAsync() => consumer.DisposeAsync();
}

/// <summary>A worker's share of one function's queues.</summary>
internal sealed class LaneSubscription(
    Guid functionId, QueueConsumer warm, QueueConsumer asynchronous, WarmQueues queues, BrokerConnection connection, TimeSpan patience) : ILaneSubscription
{
    public Task SetPrefetchAsync(int calls, int events, CancellationToken cancellationToken) =>
        Task.WhenAll(warm.SetPrefetchAsync(calls, cancellationToken), asynchronous.SetPrefetchAsync(events, cancellationToken));

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(warm.StopAsync(cancellationToken), asynchronous.StopAsync(cancellationToken));

        // Without a connection there is nothing to take away: what lies in the queue goes cold by itself.
        if (connection.Current is { } link)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(patience);
            await queues.LeaveAsync(link, functionId, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await warm.DisposeAsync();
        await asynchronous.DisposeAsync();
    }
}

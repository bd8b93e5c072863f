using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>Knows when the broker ended its subscription; what arrives is dropped unless somebody overrides that.</summary>
internal class WatchedConsumer(IChannel channel) : AsyncDefaultBasicConsumer(channel)
{
    private readonly TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the queue is gone: an operator may have deleted it.</summary>
    public Task Cancelled => cancelled.Task;

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        cancelled.TrySetResult();
        return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
    }
}

using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Streaming;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>
/// A worker's own queue. That it exists says that the worker lives: it is exclusive, so the broker deletes it with the
/// connection, and a gateway's mandatory probe then comes back. What gateways say about answers in pieces comes over it too.
/// </summary>
internal sealed class PresenceQueue : IAsyncDisposable
{
    private readonly BackgroundLoop background;
    private readonly AnswerStreams answers;
    private readonly string queue;
    private readonly TaskCompletionSource declared = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PresenceQueue(BrokerConnections connections, AnswerStreams answers, IOptions<MessagingOptions> options, TimeProvider time, ILogger<PresenceQueue> logger)
    {
        this.answers = answers;
        queue = BrokerNames.Worker(options.Value.NodeId);
        var loop = new ChannelLoop(connections.Consuming, new CreateChannelOptions(false, false), "presence", time, logger);
        background = new BackgroundLoop(stopping => loop.RunAsync(UseAsync, stopping));
    }

    /// <summary>Makes this node a worker; ends when the queue is there for the first time.</summary>
    public Task StartAsync()
    {
        background.Start();
        return declared.Task;
    }

    public ValueTask DisposeAsync() => background.DisposeAsync();

    private async Task UseAsync(LiveChannel channel, CancellationToken cancellationToken)
    {
        await channel.Channel.QueueDeclareAsync(queue, durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);

        var consumer = new Consumer(channel.Channel, answers);
        await channel.Channel.BasicConsumeAsync(queue, autoAck: true, consumer, cancellationToken);
        declared.TrySetResult();

        // If somebody deletes it, it is declared again at once: without it this worker would be taken for dead while it works.
        await Task.WhenAny(channel.Closed, consumer.Cancelled).WaitAsync(cancellationToken);
    }

    private sealed class Consumer(IChannel channel, AnswerStreams answers) : WatchedConsumer(channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            // Probes are there to be taken, so that the queue stays empty.
            answers.Hear(properties);
            return Task.CompletedTask;
        }
    }
}

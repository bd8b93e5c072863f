using System.Threading.Channels;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Publishing;

/// <summary>
/// Publishes with confirms. The library's own tracking and limiter are off: they slept and threw where this counts. One task takes
/// publishes from a queue, so that sequence numbers need no lock; callers wait for their confirm alone.
/// </summary>
internal sealed class ConfirmedPublisher : IAsyncDisposable
{
    private readonly Channel<PendingPublish> queue = Channel.CreateUnbounded<PendingPublish>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim room;
    private readonly int capacity;
    private readonly TimeSpan confirmTimeout;
    private readonly BrokerConnection connection;
    private readonly Topology topology;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly BackgroundLoop background;
    private BrokerLink? prepared;

    public ConfirmedPublisher(BrokerConnections connections, Topology topology, IOptions<MessagingOptions> options, TimeProvider time, ILogger<ConfirmedPublisher> logger)
    {
        connection = connections.Publishing;
        this.topology = topology;
        this.time = time;
        this.logger = logger;
        capacity = options.Value.OutstandingConfirms;
        room = new SemaphoreSlim(capacity);
        confirmTimeout = options.Value.ConfirmTimeout;
        var channels = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false);
        var loop = new ChannelLoop(connection, channels, "confirmed publishing", time, logger);
        background = new BackgroundLoop(stopping => loop.RunAsync(UseAsync, stopping));
    }

    public void Start() => background.Start();

    /// <summary>Publishes and waits for the confirm, at most the confirm timeout.</summary>
    /// <exception cref="OperationCanceledException">The caller left before it was sent; afterwards the token is not looked at, because the message may be accepted.</exception>
    public async ValueTask<PublishOutcome> PublishAsync(string exchange, string routingKey, Outgoing outgoing, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        if (await connection.TryGetAsync(cancellationToken) is not { IsBlocked: false })
        {
            return PublishOutcome.Unknown;
        }

        if (!await room.WaitAsync(confirmTimeout, cancellationToken))
        {
            return PublishOutcome.Unknown;
        }

        try
        {
            var publish = new PendingPublish(exchange, routingKey, outgoing);
            queue.Writer.TryWrite(publish);
            return await WaitAsync(publish, confirmTimeout - time.GetElapsedTime(began), cancellationToken);
        }
        finally
        {
            room.Release();
        }
    }

    public ValueTask DisposeAsync() => background.DisposeAsync();

    private async ValueTask<PublishOutcome> WaitAsync(PendingPublish publish, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            return await publish.Task.WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            if (!publish.TryWithdraw() && publish.Window?.GiveUp(publish) == true)
            {
                Log.ConfirmTimedOut(logger, confirmTimeout);
                await publish.Window.AbandonAsync();
            }

            return publish.Task.IsCompletedSuccessfully ? await publish.Task : PublishOutcome.Unknown;
        }
        catch (OperationCanceledException) when (!publish.TryWithdraw())
        {
            return await WaitAsync(publish, confirmTimeout, CancellationToken.None);
        }
    }

    private async Task UseAsync(LiveChannel channel, CancellationToken cancellationToken)
    {
        if (ReferenceEquals(prepared, channel.Link))
        {
            // The last channel on this link was closed by an error: an operator may have deleted an exchange.
            await topology.HealAsync(channel.Link, cancellationToken);
        }

        prepared = channel.Link;
        var window = new ConfirmWindow(capacity);
        channel.Channel.BasicAcksAsync += (_, ack) =>
        {
            window.Complete(ack.DeliveryTag, ack.Multiple, PublishOutcome.Confirmed);
            return Task.CompletedTask;
        };
        channel.Channel.BasicNacksAsync += (_, nack) =>
        {
            window.Complete(nack.DeliveryTag, nack.Multiple, PublishOutcome.Refused);
            return Task.CompletedTask;
        };
        channel.Channel.BasicReturnAsync += (_, returned) =>
        {
            if (window.Return(returned.BasicProperties, returned.RoutingKey) is { } publish)
            {
                Log.Unroutable(logger, publish.Exchange, publish.RoutingKey);
            }

            return Task.CompletedTask;
        };

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, channel.Gone, window.Abandoned);
        try
        {
            await PublishAllAsync(channel, window, end.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The channel is gone or given up.
        }
        finally
        {
            window.Close();
        }
    }

    private async Task PublishAllAsync(LiveChannel channel, ConfirmWindow window, CancellationToken cancellationToken)
    {
        var reader = queue.Reader;
        while (await reader.WaitToReadAsync(cancellationToken))
        {
            while (!cancellationToken.IsCancellationRequested && reader.TryRead(out var publish))
            {
                if (!publish.TryTake())
                {
                    continue;
                }

                publish.Window = window;
                if (!window.TryAdd(publish))
                {
                    publish.TrySetResult(PublishOutcome.Unknown);
                    continue;
                }

                await channel.Channel.BasicPublishAsync(
                    publish.Exchange, publish.RoutingKey, mandatory: true, publish.Outgoing.Properties, publish.Outgoing.Body, cancellationToken);
            }
        }
    }
}

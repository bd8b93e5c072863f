using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Publishing;

/// <summary>
/// Publishes without confirms what has a deadline of its own: calls, answers, notices, probes. Any number of threads may
/// publish at once: without confirms the library serialises a message into one buffer before it queues it for the socket, so
/// there is nothing that a lock would have to protect.
/// </summary>
internal sealed class PlainPublisher : IAsyncDisposable
{
    private readonly BrokerConnection connection;
    private readonly Topology topology;
    private readonly BackgroundLoop background;
    private BrokerLink? prepared;
    private volatile LiveChannel? current;

    public PlainPublisher(BrokerConnection connection, Topology topology, string purpose, TimeProvider time, ILogger logger)
    {
        this.connection = connection;
        this.topology = topology;
        var loop = new ChannelLoop(connection, new CreateChannelOptions(false, false), purpose, time, logger);
        background = new BackgroundLoop(stopping => loop.RunAsync(UseAsync, stopping));
    }

    /// <summary>Gets mandatory messages that no queue took. Runs on the connection's receiving loop: it must not wait.</summary>
    public Action<BasicReturnEventArgs>? Returned { get; init; }

    /// <summary>Gets every channel that is gone; what was published on it may be lost.</summary>
    public Action<LiveChannel>? Lost { get; init; }

    public void Start() => background.Start();

    /// <summary>A channel that takes messages now, or within the moment that a lost connection is given; null if there is none.</summary>
    public async ValueTask<LiveChannel?> TryGetAsync(CancellationToken cancellationToken)
    {
        if (current is { IsOpen: true } live)
        {
            return live.Link.IsBlocked ? null : live;
        }

        var link = await connection.TryGetAsync(cancellationToken);
        for (var tries = 0; link is { IsOpen: true } && tries < 100; tries++)
        {
            if (current is { IsOpen: true } opened)
            {
                return opened.Link.IsBlocked ? null : opened;
            }

            // Opening a channel takes a round trip; it happens once in a connection's life.
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        }

        return null;
    }

    /// <summary>Publishes; false if it was certainly not sent. True is no promise: nothing is confirmed.</summary>
    public static async ValueTask<bool> PublishAsync(
        LiveChannel channel, string exchange, string routingKey, bool mandatory, Outgoing outgoing, CancellationToken cancellationToken)
    {
        try
        {
            await channel.Channel.BasicPublishAsync(exchange, routingKey, mandatory, outgoing.Properties, outgoing.Body, cancellationToken);
            return channel.IsOpen;
        }
        catch (Exception exception) when (exception is AlreadyClosedException or OperationInterruptedException or ObjectDisposedException or System.Threading.Channels.ChannelClosedException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => background.DisposeAsync();

    private async Task UseAsync(LiveChannel channel, CancellationToken cancellationToken)
    {
        if (ReferenceEquals(prepared, channel.Link))
        {
            // The last channel on this link was closed by an error: an operator may have deleted an exchange.
            await topology.HealAsync(channel.Link, cancellationToken);
        }

        prepared = channel.Link;
        if (Returned is { } returned)
        {
            channel.Channel.BasicReturnAsync += (_, message) =>
            {
                returned(message);
                return Task.CompletedTask;
            };
        }

        current = channel;
        try
        {
            await channel.Closed.WaitAsync(cancellationToken);
        }
        finally
        {
            current = null;
            Lost?.Invoke(channel);
        }
    }
}

using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Queues;

/// <summary>Declares what every node needs: before anything else on a new connection, and when an operator deleted some of it.</summary>
internal sealed class Topology(IOptions<MessagingOptions> options, TimeProvider time, ILogger<Topology> logger)
{
    private const ushort PreconditionFailed = 406;

    /// <summary>
    /// A queue that is found missing may have been deleted just now. If RabbitMQ 3.x finds another one of its name when it tells a
    /// consumer of the deletion, it subscribes to that one instead of telling, and then forgets what it was to do with the deliveries: they
    /// go nowhere until that consumer's channel is closed: docs/adr/0003-reconnection.md has the figures.
    /// </summary>
    private static readonly TimeSpan AfterDeletion = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private Task healing = Task.CompletedTask;

    /// <summary>Declares exchanges and shared queues; what is there is left as it is.</summary>
    public async Task DeclareAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        await using (var channel = await OpenAsync(link, cancellationToken))
        {
            await DeclareExchangeAsync(channel, BrokerNames.Cold, ExchangeType.Fanout, null, cancellationToken);
            await DeclareExchangeAsync(channel, BrokerNames.Dead, ExchangeType.Fanout, null, cancellationToken);
            await DeclareExchangeAsync(channel, BrokerNames.Async, ExchangeType.Direct, null, cancellationToken);
            await DeclareExchangeAsync(
                channel, BrokerNames.Invoke, ExchangeType.Direct, new() { ["alternate-exchange"] = BrokerNames.Cold }, cancellationToken);
        }

        await DeclareQueueAsync(link, BrokerNames.Dead, QueueArguments.Dead(), BrokerNames.Dead, "", cancellationToken);
        await DeclareQueueAsync(link, BrokerNames.Cold, QueueArguments.Cold(), BrokerNames.Cold, "", cancellationToken);
    }

    /// <summary>Declares what somebody found missing; whoever finds it while that goes on waits for the same end.</summary>
    public Task HealAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (healing.IsCompleted)
            {
                healing = HealOnceAsync(link);
            }

            return healing.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Declares a function's durable queue.</summary>
    public Task DeclareFunctionAsync(BrokerLink link, Guid functionId, CancellationToken cancellationToken) => DeclareQueueAsync(
        link, BrokerNames.AsyncQueue(functionId), QueueArguments.Asynchronous(options.Value), BrokerNames.Async, BrokerNames.RoutingKey(functionId), cancellationToken);

    /// <summary>Declares a function's warm queue, and does not bind it: a queue without consumers must get nothing.</summary>
    public Task DeclareWarmAsync(BrokerLink link, Guid functionId, CancellationToken cancellationToken) =>
        DeclareQueueAsync(link, BrokerNames.Warm(functionId), QueueArguments.Warm(options.Value), null, "", cancellationToken);

    /// <summary>Opens a channel for declarations: an error closes a channel, so they get one of their own.</summary>
    public static Task<IChannel> OpenAsync(BrokerLink link, CancellationToken cancellationToken) =>
        link.Connection.CreateChannelAsync(new CreateChannelOptions(false, false), cancellationToken);

    private async Task HealOnceAsync(BrokerLink link)
    {
        await Task.Delay(AfterDeletion, time, CancellationToken.None);
        await DeclareAsync(link, CancellationToken.None);
    }

    private async Task DeclareQueueAsync(
        BrokerLink link, string queue, Dictionary<string, object?> arguments, string? exchange, string routingKey, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await OpenAsync(link, cancellationToken);
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
            await BindAsync(channel, queue, exchange, routingKey, cancellationToken);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == PreconditionFailed)
        {
            // Another setting, or another version: a queue that is not quite right carries messages, none carries nothing.
            Log.OtherArguments(logger, queue, exception.ShutdownReason.ReplyText);
            await using var channel = await OpenAsync(link, cancellationToken);
            await BindAsync(channel, queue, exchange, routingKey, cancellationToken);
        }
    }

    private static Task BindAsync(IChannel channel, string queue, string? exchange, string routingKey, CancellationToken cancellationToken) =>
        exchange is null ? Task.CompletedTask : channel.QueueBindAsync(queue, exchange, routingKey, cancellationToken: cancellationToken);

    private static Task DeclareExchangeAsync(
        IChannel channel, string name, string type, Dictionary<string, object?>? arguments, CancellationToken cancellationToken) =>
        channel.ExchangeDeclareAsync(name, type, durable: true, autoDelete: false, arguments, cancellationToken: cancellationToken);
}

using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Queues;

/// <summary>Makes, heals and deletes the durable queues of functions.</summary>
internal sealed class FunctionQueues(
    BrokerConnections connections, Topology topology, WarmQueues warm, IOptions<MessagingOptions> options, TimeProvider time, ILogger<FunctionQueues> logger)
    : IControlBusHandler<FunctionChanged>
{
    private const ushort DrainPrefetch = 64;

    /// <summary>Workers hear of a deletion within this; what they hold then is theirs to record.</summary>
    private static readonly TimeSpan WorkersLeave = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan DrainLook = TimeSpan.FromMilliseconds(100);

    /// <summary>A caller waits behind it.</summary>
    private static readonly TimeSpan CountPatience = TimeSpan.FromSeconds(1);

    /// <summary>Deleted functions: healing must not bring them back. Ids are never used again, so they may stay.</summary>
    private readonly ConcurrentDictionary<Guid, byte> deleted = new();

    public Task DeclareAsync(Guid functionId, CancellationToken cancellationToken)
    {
        deleted.TryRemove(functionId, out _);
        return UseAsync(
            $"The queue of function {functionId} was not declared",
            link => topology.DeclareFunctionAsync(link, functionId, cancellationToken),
            cancellationToken);
    }

    /// <summary>Declares a queue that was there before: an operator deleted it, or the broker was set up anew. Never throws for the broker.</summary>
    public async Task HealAsync(Guid functionId, CancellationToken cancellationToken)
    {
        if (deleted.ContainsKey(functionId))
        {
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.ConfirmTimeout);
        try
        {
            if (await connections.Consuming.TryGetAsync(patience.Token) is { } link)
            {
                await topology.HealAsync(link, patience.Token);
                await topology.DeclareFunctionAsync(link, functionId, patience.Token);
                Log.QueueHealed(logger, functionId);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.HealFailed(logger, exception, functionId);
        }
    }

    /// <summary>Messages that are ready. Null if the broker or the queue is not there, or does not answer soon.</summary>
    public async Task<long?> CountAsync(Guid functionId, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(CountPatience);
        try
        {
            if (await connections.Consuming.TryGetAsync(patience.Token) is not { } link)
            {
                return null;
            }

            await using var channel = await Topology.OpenAsync(link, patience.Token);
            return (await channel.QueueDeclarePassiveAsync(BrokerNames.AsyncQueue(functionId), patience.Token)).MessageCount;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.CountFailed(logger, exception, functionId);
            return null;
        }
    }

    public async Task DeleteAsync(Guid functionId, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken)
    {
        deleted.TryAdd(functionId, 0);
        await UseAsync(
            $"The queues of function {functionId} were not deleted",
            async link =>
            {
                await DrainAsync(link, functionId, drained, cancellationToken);
                await warm.LeaveAsync(link, functionId, cancellationToken);
            },
            cancellationToken);
    }

    public Task HandleAsync(FunctionChanged message, CancellationToken cancellationToken)
    {
        if (message.Revision == 0)
        {
            deleted.TryAdd(message.FunctionId, 0);
        }

        return Task.CompletedTask;
    }

    // Quorum queues refuse to be deleted if empty: unbind first, so that nothing comes in, and delete when nothing is left.
    private async Task DrainAsync(BrokerLink link, Guid functionId, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken)
    {
        var queue = BrokerNames.AsyncQueue(functionId);
        await using var channel = await Topology.OpenAsync(link, cancellationToken);
        try
        {
            await channel.QueueUnbindAsync(queue, BrokerNames.Async, BrokerNames.RoutingKey(functionId), cancellationToken: cancellationToken);
            await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return;
        }

        await using (var draining = await LiveChannel.OpenAsync(link, new CreateChannelOptions(false, false, consumerDispatchConcurrency: DrainPrefetch), cancellationToken))
        {
            await draining.Channel.BasicQosAsync(0, DrainPrefetch, global: false, cancellationToken);
            var consumer = new DrainConsumer(draining.Channel, queue, drained, logger, cancellationToken);
            await draining.Channel.BasicConsumeAsync(queue, autoAck: false, consumer, cancellationToken);
            var began = time.GetTimestamp();
            while (true)
            {
                await Task.Delay(DrainLook, time, cancellationToken);
                consumer.ThrowIfFailed();
                if (!draining.IsOpen)
                {
                    throw new MessagingUnavailableException($"The channel that drained {queue} was closed: {draining.Channel.CloseReason}");
                }

                var state = await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
                var workersLeft = state.ConsumerCount <= 1 || time.GetElapsedTime(began) > WorkersLeave;
                if (state.MessageCount == 0 && consumer.InHand == 0 && workersLeft)
                {
                    break;
                }
            }
        }

        await channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false, cancellationToken: cancellationToken);
    }

    private async Task UseAsync(string failure, Func<BrokerLink, Task> use, CancellationToken cancellationToken)
    {
        var link = await connections.Consuming.TryGetAsync(cancellationToken)
            ?? throw new MessagingUnavailableException($"{failure}: {connections.Problem ?? "the connection to RabbitMQ was lost"}");
        try
        {
            await use(link);
        }
        catch (Exception exception) when (exception is OperationInterruptedException or AlreadyClosedException or ObjectDisposedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new MessagingUnavailableException($"{failure}: {exception.Message} Try again.", exception);
        }
    }

    /// <summary>Hands over and acknowledges what waits; many at once, for each is a write to the store.</summary>
    private sealed class DrainConsumer(
        IChannel channel, string queue, Func<InvocationMessage, CancellationToken, Task> drained, ILogger logger, CancellationToken leaving)
        : AsyncDefaultBasicConsumer(channel)
    {
        private int inHand;
        private volatile Exception? failure;

        public int InHand => Volatile.Read(ref inHand);

        public void ThrowIfFailed()
        {
            if (failure is { } exception)
            {
                ExceptionDispatchInfo.Throw(exception);
            }
        }

        public override async Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref inHand);
            try
            {
                if (!MessageCodec.TryRead(properties, body, out var incoming, out var problem))
                {
                    Log.Malformed(logger, queue, problem);
                }
                else if (incoming.Message is { } message)
                {
                    await drained(message, leaving);
                }

                await Channel.BasicAckAsync(deliveryTag, multiple: false, cancellationToken);
            }
            catch (Exception exception)
            {
                failure ??= exception;
            }
            finally
            {
                Interlocked.Decrement(ref inHand);
            }
        }
    }
}

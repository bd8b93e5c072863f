using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.RabbitMq.Wire;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>One subscription of the broker's, with one prefetch: to change that, another one is made.</summary>
internal sealed class ConsumerTag : AsyncDefaultBasicConsumer
{
    private readonly QueueConsumer owner;
    private readonly TaskCompletionSource drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool isEnded;
    private int unsettled;

    public ConsumerTag(QueueConsumer owner, ConsumerSession session, int prefetch)
        : base(session.Channel.Channel)
    {
        this.owner = owner;
        Session = session;
        Prefetch = prefetch;
    }

    /// <summary>The broker's name for it.</summary>
    public string Name { get; set; } = "";

    public int Prefetch { get; }

    /// <summary>True once it was cancelled: it counts no more, but what it delivered does.</summary>
    public bool IsEnded
    {
        get => isEnded;
        set => isEnded = value;
    }

    public ConsumerSession Session { get; }

    public DeliverySource Source => owner.Source;

    public Acknowledger Acknowledger => Session.Acknowledger;

    /// <summary>True while this worker's consumer keeps the queue from being deleted by another one that leaves.</summary>
    public bool HoldsQueue => Session.HoldsQueue;

    public int Unsettled => Volatile.Read(ref unsettled);

    /// <summary>Ends when everything that was delivered before a cancel has been handed over.</summary>
    public Task Drained => drained.Task;

    public void Settled(ulong deliveryTag)
    {
        if (Source == DeliverySource.Warm)
        {
            Session.Unsettled.TryRemove(deliveryTag, out _);
        }

        Interlocked.Decrement(ref unsettled);
        owner.OnSettled(this);
    }

    public override async Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref unsettled);
        if (!MessageCodec.TryRead(properties, body, out var incoming, out var problem))
        {
            await owner.RejectAsync(this, deliveryTag, problem);
            return;
        }

        var delivery = new RabbitMqDelivery(this, deliveryTag, redelivered, incoming, owner.Settlement);
        owner.Settlement.Held.Add(delivery);
        if (Source == DeliverySource.Warm)
        {
            Session.Unsettled[deliveryTag] = delivery;
        }

        if (Source == DeliverySource.Dead && incoming.Message is not { Kind: InvocationKind.Asynchronous })
        {
            if (incoming.Message is { } call)
            {
                Log.DeadCall(owner.Logger, call.InvocationId);
            }

            await delivery.AckAsync();
            return;
        }

        await owner.HandOverAsync(delivery);
    }

    public override Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        drained.TrySetResult();
        return base.HandleBasicCancelOkAsync(consumerTag, cancellationToken);
    }

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        Session.LoseQueue();

        // The answer to a cancel of ours that crossed this one reaches nobody: the library has forgotten the subscription.
        drained.TrySetResult();
        return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
    }

    public override Task HandleChannelShutdownAsync(object channel, RabbitMQ.Client.Events.ShutdownEventArgs reason)
    {
        drained.TrySetResult();
        return base.HandleChannelShutdownAsync(channel, reason);
    }
}

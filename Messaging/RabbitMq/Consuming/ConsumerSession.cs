using System.Collections.Concurrent;
using FaasCluster.Messaging.RabbitMq.Connections;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>What belongs to one channel of a consumer. Only the consumer's own task changes the lists.</summary>
internal sealed class ConsumerSession(LiveChannel channel)
{
    private readonly TaskCompletionSource queueGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ConsumerTag> earlier = [];
    private volatile bool holdsQueue = true;

    public LiveChannel Channel => channel;

    public Acknowledger Acknowledger { get; } = new(channel.Channel);

    /// <summary>
    /// True while this worker's subscription keeps the queue from being deleted by another one that leaves; false from the moment
    /// that leaving begins or the broker ended the subscription.
    /// </summary>
    public bool HoldsQueue
    {
        get => holdsQueue;
        set => holdsQueue = value;
    }

    /// <summary>Ends when the broker ended a subscription, because its queue was deleted or its node is gone.</summary>
    public Task QueueGone => queueGone.Task;

    /// <summary>How many may be unsettled, as was applied last.</summary>
    public int Target { get; set; }

    /// <summary>The subscriptions that take deliveries.</summary>
    public List<ConsumerTag> Active { get; } = [];

    /// <summary>Calls that were delivered from a warm queue and are not settled, by tag.</summary>
    public ConcurrentDictionary<ulong, RabbitMqDelivery> Unsettled { get; } = new();

    /// <summary>Deliveries of ended subscriptions that are not settled.</summary>
    public int UnsettledEarlier => earlier.Sum(tag => tag.Unsettled);

    public void End(ConsumerTag tag)
    {
        tag.IsEnded = true;
        Active.Remove(tag);
        earlier.RemoveAll(ended => ended.Unsettled == 0);
        earlier.Add(tag);
    }

    public void LoseQueue()
    {
        holdsQueue = false;
        queueGone.TrySetResult();
    }
}

using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One consumer: of the cold queue, of a function's queues, or of the dead letters. Its state is guarded by the queues' lock.</summary>
internal sealed class InProcessSubscription(
    InProcessQueues queues, WaitingCalls calls, InProcessSource source, Guid? functionId, Func<IDelivery, ValueTask> onDelivery, int prefetch)
    : IColdSubscription, ILaneSubscription
{
    public InProcessSource Source => source;

    /// <summary>Those who wait for answers.</summary>
    public WaitingCalls Calls => calls;

    /// <summary>The function of a lane; null for cold and dead.</summary>
    public Guid? FunctionId => functionId;

    /// <summary>Deliveries that may be unsettled; of a lane, its calls.</summary>
    public int Prefetch { get; set; } = prefetch;

    /// <summary>Asynchronous ones that may be unsettled.</summary>
    public int EventPrefetch { get; set; } = prefetch;

    /// <summary>What was delivered and not settled, in order.</summary>
    public SortedSet<InProcessDelivery> Unsettled { get; } = new(Comparer<InProcessDelivery>.Create((a, b) => b.Number.CompareTo(a.Number)));

    /// <summary>Unsettled asynchronous ones.</summary>
    public int UnsettledEvents { get; set; }

    /// <summary>The subscription that can take most; null if all are full.</summary>
    public static InProcessSubscription? Freest(List<InProcessSubscription> subscriptions, bool forEvent)
    {
        InProcessSubscription? freest = null;
        var most = 0;
        foreach (var subscription in subscriptions)
        {
            var free = forEvent
                ? subscription.EventPrefetch - subscription.UnsettledEvents
                : subscription.Prefetch - (subscription.Unsettled.Count - subscription.UnsettledEvents);
            if (free > most)
            {
                most = free;
                freest = subscription;
            }
        }

        return freest;
    }

    public Task SetRoomAsync(int room, CancellationToken cancellationToken) => SetPrefetchAsync(room, room, cancellationToken);

    public Task SetPrefetchAsync(int calls, int events, CancellationToken cancellationToken)
    {
        queues.SetPrefetch(this, calls, events);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        queues.Stop(this);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        queues.Close(this);
        return ValueTask.CompletedTask;
    }

    public async ValueTask TakeAsync(InProcessDelivery delivery, ILogger logger)
    {
        try
        {
            await onDelivery(delivery);
        }
        catch (Exception exception)
        {
            Log.ConsumerFailed(logger, exception);
        }
    }
}

/// <summary>What a subscription takes.</summary>
internal enum InProcessSource
{
    /// <summary>The shared queue.</summary>
    Cold,

    /// <summary>One function's queues.</summary>
    Lane,

    /// <summary>What reached its delivery limit.</summary>
    Dead,
}

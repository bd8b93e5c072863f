namespace FaasCluster.Messaging.InProcess;

/// <summary>One consumer: of the cold queue, of a function's queues, or of the dead letters. Its counters are guarded by the broker's lock.</summary>
internal sealed class InProcessSubscription(InProcessBroker broker, Guid? functionId, Func<IDelivery, ValueTask> onDelivery, int prefetch)
    : IColdSubscription, ILaneSubscription
{
    /// <summary>The function of a lane; null for cold and dead.</summary>
    public Guid? FunctionId => functionId;

    /// <summary>Deliveries that may be unsettled, of each of a lane's two queues.</summary>
    public int Prefetch { get; set; } = prefetch;

    /// <summary>True while it takes deliveries.</summary>
    public bool IsOpen { get; set; } = true;

    /// <summary>What was delivered and not settled.</summary>
    public HashSet<InProcessDelivery> Unsettled { get; } = [];

    /// <summary>Unsettled asynchronous ones.</summary>
    public int UnsettledAsynchronous { get; set; }

    public Task SetRoomAsync(int room, CancellationToken cancellationToken) => SetPrefetchAsync(room, cancellationToken);

    public Task SetPrefetchAsync(int prefetch, CancellationToken cancellationToken)
    {
        broker.SetPrefetch(this, prefetch);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        broker.Stop(this);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        broker.Close(this);
        return ValueTask.CompletedTask;
    }

    public void Deliver(InProcessDelivery delivery)
    {
        var handled = onDelivery(delivery);
        if (!handled.IsCompletedSuccessfully)
        {
            _ = broker.ObserveAsync(handled);
        }
    }
}

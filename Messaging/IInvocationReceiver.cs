namespace FaasCluster.Messaging;

/// <summary>The worker's side of the invocation path. Subscriptions outlive broken connections: they are made again by themselves.</summary>
public interface IInvocationReceiver
{
    /// <summary>
    /// Takes what no warm queue holds: cold calls, spilled calls, wakes. Starts without taking anything until
    /// <see cref="IColdSubscription.SetRoomAsync"/>.
    /// </summary>
    /// <param name="onDelivery">Must not block: it hands the delivery on and returns.</param>
    /// <param name="cancellationToken">Ends the attempt to subscribe.</param>
    Task<IColdSubscription> SubscribeColdAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken);

    /// <summary>
    /// Becomes warm for a function: declares and binds its warm queue if it is not there, and takes from it and from the
    /// function's asynchronous queue.
    /// </summary>
    /// <param name="functionId">The function.</param>
    /// <param name="prefetch">Deliveries that may be unsettled, for each of the two queues.</param>
    /// <param name="onDelivery">Must not block.</param>
    /// <param name="cancellationToken">Ends the attempt to subscribe.</param>
    Task<ILaneSubscription> SubscribeLaneAsync(Guid functionId, int prefetch, Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken);

    /// <summary>Takes asynchronous messages that reached their delivery limit. Any number of nodes may subscribe.</summary>
    Task<IAsyncDisposable> SubscribeDeadAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken);

    /// <summary>Asynchronous invocations, dead ones too, that were delivered to this node and are not settled, by function.</summary>
    IReadOnlyDictionary<Guid, int> CountHeldEvents();
}

/// <summary>A worker's share of the cold queue.</summary>
public interface IColdSubscription : IAsyncDisposable
{
    /// <summary>Sets how many cold deliveries may be unsettled; 0 stops taking.</summary>
    Task SetRoomAsync(int room, CancellationToken cancellationToken);
}

/// <summary>A worker's share of one function's queues. Disposing closes its channels: unsettled deliveries go back.</summary>
public interface ILaneSubscription : IAsyncDisposable
{
    /// <summary>Changes the number of deliveries that may be unsettled.</summary>
    /// <param name="calls">Of the warm queue.</param>
    /// <param name="events">Of the asynchronous queue.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    Task SetPrefetchAsync(int calls, int events, CancellationToken cancellationToken);

    /// <summary>
    /// Takes no more; what was delivered can still be settled. The last worker to stop takes the warm queue away, and what
    /// still lies in it goes cold.
    /// </summary>
    Task StopAsync(CancellationToken cancellationToken);
}

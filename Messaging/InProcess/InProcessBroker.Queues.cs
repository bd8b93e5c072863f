namespace FaasCluster.Messaging.InProcess;

/// <summary>The queues and their rules; every private member here is called with the lock held, unless it says otherwise.</summary>
internal sealed partial class InProcessBroker
{
    /// <summary>Settles a delivery. Takes the lock.</summary>
    public void Settle(InProcessDelivery delivery, Settlement how) => Change(delivery.FunctionId, () =>
    {
        // A closed subscription has given its deliveries back already.
        if (!Forget(delivery))
        {
            return;
        }

        var entry = delivery.Entry;
        switch (how)
        {
            case Settlement.Acknowledged:
                Done(entry);
                break;
            case Settlement.Spilled:
                cold.AddLast(entry);
                break;
            default:
                GiveBack(entry, delivery.IsCold);
                break;
        }
    });

    /// <summary>Changes what a subscription may hold. Takes the lock.</summary>
    public void SetPrefetch(InProcessSubscription subscription, int prefetch) =>
        Change(subscription.FunctionId, () => subscription.Prefetch = prefetch);

    /// <summary>Ends a subscription's taking; what it holds can still be settled. Takes the lock.</summary>
    public void Stop(InProcessSubscription subscription) => Change(subscription.FunctionId, () =>
    {
        subscription.IsOpen = false;
        coldConsumers.Remove(subscription);
        deadConsumers.Remove(subscription);
        if (subscription.FunctionId is { } functionId && QueueOf(functionId) is var queues && queues.Lanes.Remove(subscription) && queues.Lanes.Count == 0)
        {
            // The last one has left: what still lies in the warm queue goes cold.
            MoveAll(queues.Warm, cold);
            Tidy(functionId);
        }
    });

    /// <summary>Ends a subscription and gives back what it holds. Takes the lock.</summary>
    public void Close(InProcessSubscription subscription)
    {
        Stop(subscription);
        Change(subscription.FunctionId, () =>
        {
            foreach (var delivery in subscription.Unsettled)
            {
                GiveBack(delivery.Entry, delivery.IsCold);
            }

            subscription.Unsettled.Clear();
        });
    }

    private FunctionQueues QueueOf(Guid functionId)
    {
        if (!functions.TryGetValue(functionId, out var queues))
        {
            queues = new FunctionQueues();
            functions.Add(functionId, queues);
        }

        return queues;
    }

    private void QueueCall(Entry entry)
    {
        if (functions.TryGetValue(entry.FunctionId, out var queues) && queues.Lanes.Count > 0)
        {
            entry.QueuedAt = time.GetTimestamp();
            queues.Warm.AddLast(entry);
        }
        else
        {
            cold.AddLast(entry);
        }
    }

    private void QueueAsynchronous(Entry entry)
    {
        var queues = QueueOf(entry.FunctionId);
        queues.AsynchronousCount++;
        (IsPoison(entry) ? dead : queues.Asynchronous).AddLast(entry);
    }

    private bool IsPoison(Entry entry) => entry.Deliveries > options.DeliveryLimit;

    private void GiveBack(Entry entry, bool wasCold)
    {
        if (entry.IsAsynchronous)
        {
            file.CountDelivery(entry.Tag);
            if (IsPoison(entry))
            {
                dead.AddLast(entry);
            }
            else
            {
                QueueOf(entry.FunctionId).Asynchronous.AddFirst(entry);
            }
        }
        else if (wasCold)
        {
            cold.AddFirst(entry);
        }
        else
        {
            // A call that was delivered and not started: as with a broker, whose worker's channel closed.
            QueueCall(entry);
        }
    }

    private void Done(Entry entry)
    {
        if (entry.IsAsynchronous)
        {
            file.Remove(entry.Tag);
            QueueOf(entry.FunctionId).AsynchronousCount--;
            Tidy(entry.FunctionId);
        }
    }

    private static bool Forget(InProcessDelivery delivery)
    {
        if (!delivery.Subscription.Unsettled.Remove(delivery))
        {
            return false;
        }

        if (delivery.Entry.IsAsynchronous)
        {
            delivery.Subscription.UnsettledAsynchronous--;
        }

        return true;
    }

    private void Tidy(Guid functionId)
    {
        if (functions.TryGetValue(functionId, out var queues) && queues is { IsDeclared: false, AsynchronousCount: 0, Warm.Count: 0, Lanes.Count: 0 })
        {
            functions.Remove(functionId);
        }
    }

    // Takes the lock.
    private Entry? TakeAsynchronous(Guid functionId)
    {
        lock (gate)
        {
            var queue = QueueOf(functionId).Asynchronous;
            var first = queue.First?.Value;
            if (first is not null)
            {
                queue.RemoveFirst();
            }

            return first;
        }
    }

    // Takes the lock. What waited too long in a warm queue goes cold; what is too old goes away: its caller has left.
    private void Spill() => Change(null, () =>
    {
        var now = time.GetUtcNow();
        foreach (var queues in functions.Values)
        {
            while (queues.Warm.First?.Value is { } first && time.GetElapsedTime(first.QueuedAt) >= options.SpillTime)
            {
                queues.Warm.RemoveFirst();
                cold.AddLast(first);
            }
        }

        for (var node = cold.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Message?.Deadline <= now)
            {
                cold.Remove(node);
            }

            node = next;
        }
    });

    /// <summary>Changes the queues and hands out what can be handed out then.</summary>
    /// <param name="functionId">The function whose queues are concerned beside the shared ones; null for none.</param>
    /// <param name="change">The change.</param>
    private void Change(Guid? functionId, Action change)
    {
        List<InProcessDelivery>? deliveries = null;
        lock (gate)
        {
            change();
            if (functionId is { } id && functions.TryGetValue(id, out var queues) && queues.Lanes.Count > 0)
            {
                Hand(queues.Warm, queues.Lanes, isCold: false, ref deliveries);
                Hand(queues.Asynchronous, queues.Lanes, isCold: false, ref deliveries);
            }

            Hand(cold, coldConsumers, isCold: true, ref deliveries);
            Hand(dead, deadConsumers, isCold: false, ref deliveries);
        }

        deliveries?.ForEach(delivery => ThreadPool.UnsafeQueueUserWorkItem(delivery, preferLocal: true));
    }

    private void Hand(LinkedList<Entry> queue, List<InProcessSubscription> consumers, bool isCold, ref List<InProcessDelivery>? deliveries)
    {
        while (queue.First is { } node && consumers.Count > 0 && Freest(consumers, node.Value.IsAsynchronous) is { } consumer)
        {
            queue.RemoveFirst();
            var entry = node.Value;
            entry.Deliveries++;
            var delivery = new InProcessDelivery(this, entry, consumer, isCold);
            consumer.Unsettled.Add(delivery);
            if (entry.IsAsynchronous)
            {
                consumer.UnsettledAsynchronous++;
            }

            (deliveries ??= []).Add(delivery);
        }
    }

    private static InProcessSubscription? Freest(List<InProcessSubscription> consumers, bool asynchronous)
    {
        InProcessSubscription? freest = null;
        var most = 0;
        foreach (var consumer in consumers)
        {
            var held = asynchronous ? consumer.UnsettledAsynchronous : consumer.Unsettled.Count - consumer.UnsettledAsynchronous;
            if (consumer.Prefetch - held > most)
            {
                most = consumer.Prefetch - held;
                freest = consumer;
            }
        }

        return freest;
    }

    private static void MoveAll(LinkedList<Entry> from, LinkedList<Entry> to)
    {
        while (from.First is { } node)
        {
            from.RemoveFirst();
            to.AddLast(node);
        }
    }

    /// <summary>The queues of one function.</summary>
    private sealed class FunctionQueues
    {
        /// <summary>True while asynchronous invocations are accepted.</summary>
        public bool IsDeclared { get; set; }

        /// <summary>Calls for warm sandboxes.</summary>
        public LinkedList<Entry> Warm { get; } = new();

        /// <summary>Asynchronous invocations that are ready.</summary>
        public LinkedList<Entry> Asynchronous { get; } = new();

        /// <summary>Asynchronous invocations ready, delivered, being written, and dead.</summary>
        public int AsynchronousCount { get; set; }

        public List<InProcessSubscription> Lanes { get; } = [];
    }
}

using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.InProcess;

/// <summary>
/// The queues and their rules, those of RabbitMQ: one lock guards them, consumers are called outside of it, and whatever changes a
/// queue hands out at once what can be handed out then.
/// </summary>
internal sealed class InProcessQueues(MessagingOptions options, QueueFile file, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan HandOutAgain = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, FunctionQueues> functions = [];
    private readonly HashSet<Guid> deleted = [];
    private readonly LinkedList<Entry> cold = new();
    private readonly LinkedList<Entry> dead = new();
    private readonly List<InProcessSubscription> coldConsumers = [];
    private readonly List<InProcessSubscription> deadConsumers = [];

    /// <summary>Calls something with the lock held; it must be quick.</summary>
    public T Look<T>(Guid functionId, Func<FunctionQueues, T> look)
    {
        lock (gate)
        {
            return look(QueuesOf(functionId));
        }
    }

    /// <summary>Asynchronous invocations that are in a consumer's hands, by function.</summary>
    public IReadOnlyDictionary<Guid, int> CountHeldEvents()
    {
        lock (gate)
        {
            var counts = functions.Where(pair => pair.Value.UnsettledEvents > 0).ToDictionary(pair => pair.Key, pair => pair.Value.UnsettledEvents);
            foreach (var delivery in deadConsumers.SelectMany(subscription => subscription.Unsettled))
            {
                counts[delivery.FunctionId] = counts.GetValueOrDefault(delivery.FunctionId) + 1;
            }

            return counts;
        }
    }

    /// <summary>Asynchronous invocations that are in nobody's hands.</summary>
    public QueueDepths CountReady(IReadOnlyCollection<Guid> functionIds)
    {
        lock (gate)
        {
            return new QueueDepths(functionIds.Distinct().ToDictionary(id => id, id => functions.TryGetValue(id, out var queues) ? (long)queues.Events.Count : 0), dead.Count);
        }
    }

    /// <summary>Accepts asynchronous invocations of a function from now on.</summary>
    public void Declare(Guid functionId) => Change(functionId, () =>
    {
        deleted.Remove(functionId);
        QueuesOf(functionId).IsDeclared = true;
    });

    /// <summary>Accepts no more of them; what a worker still gives back is dropped.</summary>
    public void Undeclare(Guid functionId) => Change(functionId, () =>
    {
        deleted.Add(functionId);
        QueuesOf(functionId).IsDeclared = false;
    });

    public bool IsDeleted(Guid functionId)
    {
        lock (gate)
        {
            return deleted.Contains(functionId);
        }
    }

    /// <summary>Queues a call: warm if there is a lane, else cold.</summary>
    public void AddCall(Entry entry) => Change(entry.FunctionId, () => QueueCall(entry));

    public void AddWake(Entry entry) => Change(null, () => cold.AddLast(entry));

    /// <summary>Queues an asynchronous invocation that is on disk and counted.</summary>
    public void AddEvent(Entry entry) => Change(entry.FunctionId, () => QueueEvent(entry, first: false));

    /// <summary>Counts an asynchronous invocation in, or out again.</summary>
    public void CountEvent(Guid functionId, int change) => Change(functionId, () => QueuesOf(functionId).EventCount += change);

    /// <summary>Takes the first waiting asynchronous invocation of a function; null without one.</summary>
    public Entry? TakeEvent(Guid functionId)
    {
        lock (gate)
        {
            var first = QueuesOf(functionId).Events.First;
            if (first is not null)
            {
                first.List!.Remove(first);
            }

            return first?.Value;
        }
    }

    /// <summary>Puts back what was taken.</summary>
    public void PutBackEvent(Entry entry) => Change(entry.FunctionId, () => QueueEvent(entry, first: true));

    public void Subscribe(InProcessSubscription subscription) => Change(subscription.FunctionId, () => ConsumersOf(subscription).Add(subscription));

    /// <summary>Changes what a subscription may hold.</summary>
    public void SetPrefetch(InProcessSubscription subscription, int calls, int events) =>
        Change(subscription.FunctionId, () => (subscription.Prefetch, subscription.EventPrefetch) = (calls, events));

    /// <summary>Ends a subscription's taking; what was handed over can still be settled.</summary>
    public void Stop(InProcessSubscription subscription) => Change(subscription.FunctionId, () =>
    {
        if (!ConsumersOf(subscription).Remove(subscription))
        {
            return;
        }

        foreach (var delivery in subscription.Unsettled.Where(delivery => !delivery.IsHandedOver).ToList())
        {
            Forget(delivery);
            GiveBack(delivery.Entry, delivery.IsCold, last: false);
        }

        if (subscription.FunctionId is { } functionId && QueuesOf(functionId) is { Lanes.Count: 0 } queues)
        {
            // The last one has left: what still lies in the warm queue goes cold.
            MoveAll(queues.Warm, cold);
            Tidy(functionId);
        }
    });

    /// <summary>Ends a subscription and gives back what it holds.</summary>
    public void Close(InProcessSubscription subscription)
    {
        Stop(subscription);
        Change(subscription.FunctionId, () =>
        {
            foreach (var delivery in subscription.Unsettled.ToList())
            {
                Forget(delivery);
                GiveBack(delivery.Entry, delivery.IsCold, last: false);
            }
        });
    }

    /// <summary>Settles a delivery.</summary>
    public void Settle(InProcessDelivery delivery, Settlement how) => Change(delivery.FunctionId, () =>
    {
        // A closed subscription has given its deliveries back already.
        if (!Forget(delivery))
        {
            return;
        }

        switch (how)
        {
            case Settlement.Acknowledged:
                Drop(delivery.Entry);
                break;
            case Settlement.Spilled:
                cold.AddLast(delivery.Entry);
                break;
            default:
                GiveBack(delivery.Entry, delivery.IsCold, last: how == Settlement.Refused);
                break;
        }
    });

    /// <summary>What waited too long in a warm queue goes cold; what is too old goes away.</summary>
    public void Spill() => Change(null, () =>
    {
        foreach (var queues in functions.Values)
        {
            while (queues.Warm.First is { Value: var first } node && time.GetElapsedTime(first.QueuedAt) >= options.SpillTime)
            {
                queues.Warm.Remove(node);
                cold.AddLast(first);
            }
        }

        for (var node = cold.First; node is not null;)
        {
            var next = node.Next;
            if (IsExpired(node.Value))
            {
                cold.Remove(node);
            }

            node = next;
        }
    });

    private List<InProcessSubscription> ConsumersOf(InProcessSubscription subscription) => subscription.Source switch
    {
        InProcessSource.Cold => coldConsumers,
        InProcessSource.Dead => deadConsumers,
        _ => QueuesOf(subscription.FunctionId!.Value).Lanes,
    };

    private FunctionQueues QueuesOf(Guid functionId)
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

    private void QueueEvent(Entry entry, bool first)
    {
        var queues = QueuesOf(entry.FunctionId);
        if (entry.Deliveries >= options.DeliveryLimit)
        {
            queues.EventCount--;
            dead.AddLast(entry);
            Tidy(entry.FunctionId);
        }
        else if (first)
        {
            queues.Events.AddFirst(entry);
        }
        else
        {
            queues.Events.AddLast(entry);
        }
    }

    private void GiveBack(Entry entry, bool wasCold, bool last)
    {
        if (entry.IsDead)
        {
            dead.AddLast(entry);
        }
        else if (entry.Kind == EntryKind.Event)
        {
            if (deleted.Contains(entry.FunctionId))
            {
                Drop(entry);
            }
            else
            {
                QueueEvent(entry, first: !last);
            }
        }
        else if (wasCold || last)
        {
            // Behind the others, as with RabbitMQ: its worker could not take it just now.
            cold.AddLast(entry);
        }
        else
        {
            QueueCall(entry);
        }
    }

    private void Drop(Entry entry)
    {
        if (entry.Kind == EntryKind.Event)
        {
            file.Remove(entry.Tag);
            entry.Uncache();
            if (!entry.IsDead)
            {
                QueuesOf(entry.FunctionId).EventCount--;
                Tidy(entry.FunctionId);
            }
        }
    }

    private bool Forget(InProcessDelivery delivery)
    {
        if (!delivery.Subscription.Unsettled.Remove(delivery))
        {
            return false;
        }

        if (delivery.Entry.Kind == EntryKind.Event)
        {
            delivery.Subscription.UnsettledEvents--;
            if (!delivery.Entry.IsDead)
            {
                QueuesOf(delivery.FunctionId).UnsettledEvents--;
            }
        }

        return true;
    }

    private void Tidy(Guid functionId)
    {
        if (functions.TryGetValue(functionId, out var queues) && queues.IsIdle)
        {
            functions.Remove(functionId);
        }
    }

    private bool IsExpired(Entry entry) => entry.ExpiresAt <= time.GetUtcNow();

    private static void MoveAll(LinkedList<Entry> from, LinkedList<Entry> to)
    {
        while (from.First is { } node)
        {
            from.Remove(node);
            to.AddLast(node);
        }
    }

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
                Hand(queues.Events, queues.Lanes, isCold: false, ref deliveries);
            }

            Hand(cold, coldConsumers, isCold: true, ref deliveries);
            Hand(dead, deadConsumers, isCold: false, ref deliveries);
        }

        deliveries?.ForEach(delivery => _ = HandOverAsync(delivery));
    }

    private void Hand(LinkedList<Entry> queue, List<InProcessSubscription> consumers, bool isCold, ref List<InProcessDelivery>? deliveries)
    {
        while (queue.First is { Value: var entry } && consumers.Count > 0)
        {
            if (IsExpired(entry))
            {
                queue.RemoveFirst();
                continue;
            }

            if (InProcessSubscription.Freest(consumers, entry.Kind == EntryKind.Event) is not { } consumer)
            {
                return;
            }

            queue.RemoveFirst();
            entry.Deliveries++;
            entry.IsDead = consumer.Source == InProcessSource.Dead;
            var delivery = new InProcessDelivery(this, entry, consumer, isCold);
            consumer.Unsettled.Add(delivery);
            if (entry.Kind == EntryKind.Event)
            {
                consumer.UnsettledEvents++;
                QueuesOf(entry.FunctionId).UnsettledEvents += entry.IsDead ? 0 : 1;
            }

            (deliveries ??= []).Add(delivery);
        }
    }

    /// <summary>Brings a delivery to its consumer, on a thread of the pool: publishers never run consumers' code. Without the lock.</summary>
    private async Task HandOverAsync(InProcessDelivery delivery)
    {
        var entry = delivery.Entry;
        try
        {
            if (entry.Kind == EntryKind.Event)
            {
                entry.Message = await file.HandOutAsync(entry.Tag, isOnDiskOnly: entry.Message is null) ?? entry.Message;
                if (entry.Message is null)
                {
                    Log.Unreadable(logger, entry.Tag, entry.FunctionId);
                    Settle(delivery, Settlement.Acknowledged);
                    return;
                }
            }
            else
            {
                await Task.Yield();
            }
        }
        catch (MessagingUnavailableException exception)
        {
            Log.HandOutFailed(logger, exception, entry.Tag, entry.FunctionId);
            await Task.Delay(HandOutAgain, time);
            Settle(delivery, Settlement.Refused);
            return;
        }

        lock (gate)
        {
            // The consumer may have gone while the disk was busy; then the entry is back in its queue.
            if (!delivery.Subscription.Unsettled.Contains(delivery))
            {
                return;
            }

            delivery.IsHandedOver = true;
        }

        await delivery.Subscription.TakeAsync(delivery, logger);
    }
}

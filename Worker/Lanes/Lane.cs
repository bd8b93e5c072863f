using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Lanes;

/// <summary>
/// One function on this worker: what was delivered for it and waits, and the sandboxes (slots) that serve it. What waits is
/// served by whichever slot is free first, running or just started. The state is guarded by one lock that is never held across
/// an await; every busy slot is one loop of <see cref="ServeAsync"/>.
/// </summary>
internal sealed class Lane
{
    private readonly Lock gate = new();
    private readonly Guid functionId;
    private readonly LaneServices services;
    private readonly WaitingQueue waiting = new();
    private readonly IdleSlots idle = new();
    private readonly List<int> starting = []; // revisions
    private readonly LanePolicy policy;
    private readonly UnsettledTasks unsettled = new();
    private readonly SlotStarter starter;
    private readonly LaneConsumer consumer;
    private readonly LaneLimit limit;
    private readonly LaneMinimum minimum;
    private readonly SlotRunner runner;

    private int busy;
    private bool closing;
    private long lastUsed;
    private FunctionManifest? manifest;
    private int currentRevision;
    private int newestRevision;

    /// <summary>A lane with nothing in it.</summary>
    public Lane(Guid functionId, LaneServices services)
    {
        this.functionId = functionId;
        this.services = services;
        policy = new LanePolicy(services.Cores, services.Options.SlotsPerFunction);
        starter = new SlotStarter(services);
        limit = new LaneLimit(functionId, services);
        minimum = new LaneMinimum(services.Time);
        runner = new SlotRunner(services, starter);
        consumer = new LaneConsumer(functionId, services, OnDelivery);
        lastUsed = services.Time.GetTimestamp();
    }

    public Guid FunctionId => functionId;

    /// <summary>True while invocations wait for a slot: the worker looks at the lane often then.</summary>
    public bool HasWaiting
    {
        get
        {
            lock (gate)
            {
                return waiting.Count > 0;
            }
        }
    }

    /// <summary>The newest revision that was heard of.</summary>
    public int NewestRevision
    {
        get
        {
            lock (gate)
            {
                return newestRevision;
            }
        }
    }

    /// <summary>True while the function's queues are consumed here.</summary>
    public bool IsWarm => consumer.IsConsuming;

    /// <summary>Sandboxes by what they do.</summary>
    public (int Busy, int Idle, int Starting) Slots
    {
        get
        {
            lock (gate)
            {
                return (busy, idle.Count, starting.Count);
            }
        }
    }

    /// <summary>Takes a delivered invocation. False if the lane is closing: ask the table for a new one.</summary>
    public bool TryAccept(IDelivery delivery, InvocationMessage message)
    {
        var arrived = new WaitingDelivery(delivery, message, services.Time.GetTimestamp());
        Slot? slot = null;
        int? toStart = null;
        var isWaiting = false;
        lock (gate)
        {
            // While closing, deliveries of the lane's own queues are still served: sending them back would count against their delivery limit.
            if (closing && delivery.IsCold)
            {
                return false;
            }

            lastUsed = arrived.ArrivedAt;
            newestRevision = Math.Max(newestRevision, message.Revision);
            slot = idle.Take(message.Revision);
            if (slot is not null)
            {
                busy++;
            }
            else if (!limit.Refuses(arrived, starting.Count > 0))
            {
                waiting.Add(arrived);
                isWaiting = true;
                toStart = BeginStart(eager: delivery.IsCold || busy + starting.Count == 0);
            }
        }

        if (slot is not null)
        {
            services.Track(ServeAsync(slot, arrived));
        }
        else if (!isWaiting)
        {
            Settle(starter.ThrottleAsync([arrived]));
        }

        Start(toStart);
        services.Waiting();
        return true;
    }

    /// <summary>Starts to consume the function's queues, if it is not done yet.</summary>
    public Task SubscribeAsync() => consumer.JoinAsync();

    /// <summary>Looked at regularly: starts sandboxes for those who waited too long, sends calls on to other workers, ends idle sandboxes.</summary>
    public void Look()
    {
        int? toStart = null;
        List<int> missing = [];
        List<WaitingDelivery> overdue = [];
        List<WaitingDelivery> refused = [];
        List<Slot> expired;
        lock (gate)
        {
            if (waiting.Oldest is { } oldest && Age(oldest.ArrivedAt) >= services.Options.GrowAfter)
            {
                toStart = BeginStart(eager: true);
            }

            if (limit.IsReached)
            {
                // No other worker could start a sandbox either.
                refused = waiting.TakeOverdueCalls(services.Time.GetTimestamp() - Ticks(services.Options.ThrottleAfter), keep: starting.Count);
            }

            // Another worker may have room, if there is one.
            else if (toStart is null && starting.Count == 0 && services.OthersAlive)
            {
                overdue = waiting.TakeOverdueCalls(services.Time.GetTimestamp() - Ticks(services.SpillTime));
            }

            limit.Look(waiting.Count > 0);
            expired =
            [
                .. idle.TakeWhere(slot => !slot.MayServe(newestRevision) || slot.Revision < currentRevision),
                .. idle.TakeAged(services.Time.GetTimestamp() - Ticks(KeepAlive), keep: minimum.Count - busy),
            ];
            while (!closing && minimum.Missing(busy + idle.Count + starting.Count) is { } revision)
            {
                starting.Add(revision);
                missing.Add(revision);
            }
        }

        missing.ForEach(revision => Start(revision));
        Start(toStart);
        if (overdue.Count > 0)
        {
            services.Metrics.Spilled(overdue.Count);
            services.Track(SpillAsync(overdue));
        }

        if (refused.Count > 0)
        {
            Settle(starter.ThrottleAsync(refused));
        }

        expired.ForEach(slot => services.Track(services.EndAsync(slot)));
        if (toStart is null)
        {
            services.Track(consumer.SetPrefetchAsync(WantedPrefetch()));
        }
    }

    /// <summary>
    /// True if nothing has run or waited for the keep-alive, or if other workers have every slot of the function and are to have what
    /// waits here too: the lane may be closed.
    /// </summary>
    public bool IsDone()
    {
        lock (gate)
        {
            var isEmpty = busy + starting.Count + idle.Count + waiting.Count + minimum.Count == 0;
            return limit.IsStarved || (isEmpty && Age(lastUsed) >= KeepAlive && Age(lastUsed) >= TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>The timestamp of the least recently used idle sandbox that is not kept whatever comes; null without one.</summary>
    public long? OldestIdle
    {
        get
        {
            lock (gate)
            {
                return IsAboveMinimum ? idle.OldestSince : null;
            }
        }
    }

    /// <summary>
    /// Another worker waits for a slot: an idle one is given up. True if it was the last: the lane should leave the queues, or
    /// the two would take the slot from each other with every call.
    /// </summary>
    public async Task<bool> YieldAsync()
    {
        if (!await EvictAsync(isForced: true))
        {
            return false;
        }

        lock (gate)
        {
            minimum.Yielded();
            return busy + idle.Count + starting.Count + waiting.Count == 0;
        }
    }

    /// <summary>Ends the least recently used idle sandbox, because another needs its memory or its slot. False without one.</summary>
    /// <param name="isForced">True to end also one that is kept whatever comes.</param>
    public async Task<bool> EvictAsync(bool isForced = false)
    {
        Slot? slot;
        lock (gate)
        {
            slot = isForced || IsAboveMinimum ? idle.TakeOldest() : null;
        }

        if (slot is null)
        {
            return false;
        }

        await services.EndAsync(slot);
        return true;
    }

    /// <summary>States how many sandboxes of a revision are to be loaded even if nobody calls; started with the next look.</summary>
    public void Keep(int count, int revision)
    {
        lock (gate)
        {
            minimum.Set(count, revision);
        }
    }

    /// <summary>A newer revision is current: idle sandboxes of older ones end with the next look.</summary>
    public void Supersede(int revision)
    {
        lock (gate)
        {
            currentRevision = Math.Max(currentRevision, revision);
            newestRevision = Math.Max(newestRevision, revision);
        }
    }

    /// <summary>
    /// Leaves the function's queues, serves what was delivered until then, and ends the sandboxes. With a token that is
    /// cancelled, what still waits goes back to the broker.
    /// </summary>
    public async Task CloseAsync(CancellationToken giveUp)
    {
        lock (gate)
        {
            closing = true;
        }

        await consumer.StopAsync();
        await WhenQuietAsync(giveUp);
        List<Slot> rest;
        lock (gate)
        {
            rest = idle.TakeWhere(_ => true);
        }

        await Task.WhenAll(rest.Select(services.EndAsync));
        await consumer.LeaveAsync();
    }

    private TimeSpan KeepAlive => services.KeepAlive.For(manifest);

    private bool IsAboveMinimum => busy + idle.Count > minimum.Count;

    private ValueTask OnDelivery(IDelivery delivery)
    {
        if (delivery.Message is { } message)
        {
            TryAccept(delivery, message);
            return ValueTask.CompletedTask;
        }

        return delivery.AckAsync();
    }

    /// <summary>Starts a sandbox. What waits then takes it, or is ended if there is none to be had.</summary>
    private async Task StartSlotAsync(int revision)
    {
        SlotStart start;
        WaitingDelivery? next = null;
        try
        {
            start = await starter.StartAsync(functionId, revision, this);
            lock (gate)
            {
                manifest = start.Revision?.Manifest ?? manifest;
                next = start.IsLater ? null : waiting.Take(revision);
                if (start.Slot is { } unneeded && next is null)
                {
                    idle.Add(unneeded, services.Time.GetTimestamp());
                }
                else if (start.Slot is not null)
                {
                    busy++;
                }

                ObserveStart(start, isWanted: next is not null);
            }

            if (start.Fail is { } fail && next is not null)
            {
                Settle(fail(next));
            }
        }
        finally
        {
            lock (gate)
            {
                starting.Remove(revision);
            }
        }

        if (start.Slot is { } slot)
        {
            services.Track(SubscribeAsync());
            if (next is not null)
            {
                services.Track(ServeAsync(slot, next));
            }
        }
        else if (!start.IsLater)
        {
            ServeNext();
        }
    }

    private async Task ServeAsync(Slot slot, WaitingDelivery? next)
    {
        while (next is not null)
        {
            var run = await runner.RunAsync(slot, next, Settle);
            bool usable;
            lock (gate)
            {
                if (run.IsWaiting)
                {
                    waiting.Add(next);
                }

                if (run.Execution is { } execution)
                {
                    policy.Observe(execution.Run, execution.CpuTime);
                }

                usable = run.IsUsable && slot.MayServe(newestRevision);
                lastUsed = services.Time.GetTimestamp();
                next = usable ? waiting.Take(slot.Revision) : null;
                if (next is null)
                {
                    busy--;
                    if (usable)
                    {
                        idle.Add(slot, lastUsed);
                    }
                }
            }

            if (!usable)
            {
                await services.EndAsync(slot);
            }
        }

        ServeNext();
    }

    // Under the lock. A start that nobody waited for was made to keep the minimum: its failure is said nowhere else.
    private void ObserveStart(SlotStart start, bool isWanted)
    {
        if (start.Slot is not null)
        {
            minimum.Started();
        }
        else if (minimum.Count > 0 && !isWanted)
        {
            minimum.Failed();
            Log.MinimumNotStarted(services.Logger, functionId, start.Error?.Message ?? "there is no memory or no slot left for it.");
        }
    }

    /// <summary>Something waits that no running slot will take: start a sandbox for it.</summary>
    private void ServeNext()
    {
        int? toStart;
        lock (gate)
        {
            toStart = busy + starting.Count == 0 ? BeginStart(eager: true) : null;
        }

        Start(toStart);
    }

    private void Start(int? revision)
    {
        if (revision is { } number)
        {
            services.Track(StartSlotAsync(number));
        }
    }

    /// <summary>The revision to start a sandbox for, counted as being started.</summary>
    private int? BeginStart(bool eager)
    {
        var revision = eager && busy + starting.Count < policy.SlotLimit && limit.MayAsk ? waiting.RevisionToStart(starting) : null;
        if (revision is { } number)
        {
            starting.Add(number);
        }

        return revision;
    }

    // What nobody waits for goes back to its queue, for those who have the slots.
    private async Task RefuseAsync(IReadOnlyCollection<WaitingDelivery> refused)
    {
        foreach (var waits in refused.Where(waits => !waits.IsSynchronous))
        {
            await waits.Delivery.ReturnAsync();
        }

        await starter.ThrottleAsync(refused.Where(waits => waits.IsSynchronous));
    }

    private static async Task SpillAsync(List<WaitingDelivery> overdue)
    {
        foreach (var call in overdue)
        {
            await (call.Delivery.IsCold ? call.Delivery.ReturnAsync() : call.Delivery.SpillAsync());
        }
    }

    private (int Calls, int Events) WantedPrefetch()
    {
        lock (gate)
        {
            var slots = busy + idle.Count + starting.Count;
            return (policy.Prefetch(slots), policy.EventPrefetch(slots));
        }
    }

    private void Settle(Task task)
    {
        unsettled.Add(task);
        services.Track(task);
    }

    private async Task WhenQuietAsync(CancellationToken giveUp)
    {
        while (!giveUp.IsCancellationRequested)
        {
            bool quiet;
            List<WaitingDelivery> unserved = [];
            lock (gate)
            {
                // Not before the lane has left the queues: it would come straight back.
                if (limit.IsStarved)
                {
                    unserved = waiting.TakeAll();
                }

                quiet = busy + starting.Count + waiting.Count == 0;
            }

            await RefuseAsync(unserved);
            if (!quiet)
            {
                // The table does so no more.
                Look();
            }

            var open = unsettled.Open;
            if (quiet && open.Count == 0)
            {
                return;
            }

            // Polled, because it happens once in a lane's life.
            await Task.WhenAny([.. open, Task.Delay(TimeSpan.FromMilliseconds(20), services.Time, CancellationToken.None)]);
        }
    }

    private TimeSpan Age(long timestamp) => services.Time.GetElapsedTime(timestamp);

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * services.Time.TimestampFrequency);
}

using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>
/// One function on this worker: what was delivered for it and waits, and the sandboxes (slots) that serve it. The state is
/// guarded by one lock that is never held across an await; every slot is one loop of <see cref="ServeAsync"/>.
/// </summary>
internal sealed class Lane(Guid functionId, LaneServices services)
{
    private readonly Lock gate = new();
    private readonly WaitingQueue waiting = new();
    private readonly List<Slot> idle = []; // the most recently used last, so that the others can grow old
    private readonly LanePolicy policy = new(services.Cores, services.Options.SlotsPerFunction);
    private readonly SemaphoreSlim subscribing = new(1);
    private readonly HashSet<Task> unsettled = [];

    private int busy;
    private int starting;
    private int prefetch = 1;
    private bool closing;
    private long lastUsed = services.Time.GetTimestamp();
    private TimeSpan? keepAlive;
    private int currentRevision;
    private ILaneSubscription? subscription;

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

    /// <summary>True while the function's queues are consumed here.</summary>
    public bool IsWarm => subscription is not null;

    /// <summary>Sandboxes by what they do.</summary>
    public (int Busy, int Idle, int Starting) Slots
    {
        get
        {
            lock (gate)
            {
                return (busy, idle.Count, starting);
            }
        }
    }

    /// <summary>Takes a delivered invocation. False if the lane is closing: ask the table for a new one.</summary>
    public bool TryAccept(IDelivery delivery, InvocationMessage message)
    {
        var arrived = new WaitingDelivery(delivery, message, services.Time.GetTimestamp());
        Slot? slot = null;
        WaitingDelivery? toStart = null;
        lock (gate)
        {
            // While closing, deliveries of the lane's own queues are still served: sending them back would count against their delivery limit.
            if (closing && delivery.IsCold)
            {
                return false;
            }

            lastUsed = arrived.ArrivedAt;
            slot = TakeIdle(message.Revision);
            if (slot is not null)
            {
                busy++;
            }
            else
            {
                waiting.Add(arrived);
                toStart = TakeForStart(eager: delivery.IsCold || busy + starting == 0);
            }
        }

        if (slot is not null)
        {
            services.Track(ServeAsync(slot, arrived, null, null));
        }
        else if (toStart is not null)
        {
            services.Track(StartSlotAsync(toStart));
        }

        services.Waiting();
        return true;
    }

    /// <summary>Starts to consume the function's queues, if it is not done yet.</summary>
    public async Task SubscribeAsync()
    {
        await subscribing.WaitAsync(services.Killed);
        try
        {
            if (subscription is not null || closing)
            {
                return;
            }

            subscription = await services.Receiver.SubscribeLaneAsync(functionId, prefetch, OnDelivery, services.Killed);
            await services.Bus.PublishAsync(new Contracts.Bus.FunctionWarmed { FunctionId = functionId, WorkerId = services.WorkerId }, services.Killed);
        }
        finally
        {
            subscribing.Release();
        }
    }

    /// <summary>Looked at regularly: starts sandboxes for those who waited too long, sends calls on to other workers, ends idle sandboxes.</summary>
    public void Look()
    {
        WaitingDelivery? toStart = null;
        List<WaitingDelivery> overdue = [];
        List<Slot> expired = [];
        lock (gate)
        {
            if (waiting.Oldest is { } oldest && Age(oldest.ArrivedAt) >= services.Options.GrowAfter)
            {
                toStart = TakeForStart(eager: true);
            }

            // Another worker may have room, if there is one.
            if (toStart is null && starting == 0 && services.OthersAlive)
            {
                overdue = waiting.TakeOverdueCalls(services.Time.GetTimestamp() - Ticks(services.SpillTime));
            }

            expired.AddRange(idle.Where(slot => !slot.Sandbox.IsUsable || slot.Revision < currentRevision || Age(slot.IdleSince) >= KeepAlive));
            expired.ForEach(slot => idle.Remove(slot));
        }

        if (toStart is not null)
        {
            services.Track(StartSlotAsync(toStart));
        }

        if (overdue.Count > 0)
        {
            services.Metrics.Spilled(overdue.Count);
            services.Track(SpillAsync(overdue));
        }

        expired.ForEach(slot => services.Track(EndSlotAsync(slot)));
        if (toStart is null)
        {
            services.Track(AdaptPrefetchAsync());
        }
    }

    /// <summary>True if nothing has run or waited for the keep-alive: the lane may be closed.</summary>
    public bool IsDone()
    {
        lock (gate)
        {
            return busy + starting + idle.Count + waiting.Count == 0 && Age(lastUsed) >= KeepAlive && Age(lastUsed) >= TimeSpan.FromSeconds(1);
        }
    }

    /// <summary>The least recently used idle sandbox's timestamp; null without one.</summary>
    public long? OldestIdle
    {
        get
        {
            lock (gate)
            {
                return idle.Count > 0 ? idle[0].IdleSince : null;
            }
        }
    }

    /// <summary>Ends the least recently used idle sandbox, because another function needs the memory. False without one.</summary>
    public async Task<bool> EvictAsync()
    {
        Slot slot;
        lock (gate)
        {
            if (idle.Count == 0)
            {
                return false;
            }

            slot = idle[0];
            idle.RemoveAt(0);
        }

        await EndSlotAsync(slot);
        return true;
    }

    /// <summary>A newer revision is current: idle sandboxes of older ones end with the next look.</summary>
    public void Supersede(int revision)
    {
        lock (gate)
        {
            currentRevision = Math.Max(currentRevision, revision);
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

        await subscribing.WaitAsync(CancellationToken.None);
        try
        {
            if (subscription is not null)
            {
                await subscription.StopAsync(CancellationToken.None);
                await services.Bus.PublishAsync(new Contracts.Bus.FunctionCooled { FunctionId = functionId, WorkerId = services.WorkerId }, CancellationToken.None);
            }

            await WhenQuietAsync(giveUp);
            List<Slot> rest;
            lock (gate)
            {
                rest = [.. idle];
                idle.Clear();
            }

            await Task.WhenAll(rest.Select(EndSlotAsync));
            if (subscription is not null)
            {
                await subscription.DisposeAsync();
                subscription = null;
            }
        }
        finally
        {
            subscribing.Release();
        }
    }

    private TimeSpan KeepAlive => keepAlive ?? services.Options.KeepAlive;

    private ValueTask OnDelivery(IDelivery delivery)
    {
        if (delivery.Message is { } message)
        {
            TryAccept(delivery, message);
            return ValueTask.CompletedTask;
        }

        return delivery.AckAsync();
    }

    private async Task StartSlotAsync(WaitingDelivery first)
    {
        var reserved = 0L;
        var goOn = true;
        try
        {
            if (!await services.Executor.AdmitAsync(first.Delivery, first.Message, services.Killed))
            {
                return;
            }

            if (await services.Revisions.FindAsync(functionId, first.Message.Revision, services.Killed) is not { } revision)
            {
                await services.Executor.RefuseAsync(first.Delivery, first.Message, new InvocationError { Code = ErrorCode.NotFound, Message = "There is no such revision." });
                return;
            }

            keepAlive = revision.Manifest.KeepAlive;
            if (!services.CanRun(revision))
            {
                await RefuseHereAsync(first, revision);
                return;
            }

            if (!await services.ReserveAsync(revision.Manifest.MemoryBytes, this))
            {
                goOn = false;
                PutBack(first);
                return;
            }

            reserved = revision.Manifest.MemoryBytes;
            var log = new ExecutionLog(first.Message, services.Time);
            var start = await services.Sandboxes.StartAsync(revision, log, services.Killed);
            if (start.Sandbox is null)
            {
                Settle(services.Executor.FailStartAsync(revision, first.Delivery, first.Message, start, log));
                return;
            }

            var slot = new Slot(start.Sandbox, reserved, services.Time.GetTimestamp());
            reserved = 0;
            lock (gate)
            {
                busy++;
            }

            services.Track(SubscribeAsync());
            services.Track(ServeAsync(slot, first, start, log));
        }
        catch (StoreUnavailableException exception)
        {
            goOn = false;
            Log.StoreAway(services.Logger, exception, functionId);
            PutBack(first);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.StartFailed(services.Logger, exception, functionId);
            await GiveUpAsync(first);
        }
        finally
        {
            services.Release(reserved);
            lock (gate)
            {
                starting--;
            }

            if (goOn)
            {
                ServeNext();
            }
        }
    }

    private async Task ServeAsync(Slot slot, WaitingDelivery? next, SandboxStart? start, ExecutionLog? log)
    {
        while (next is not null)
        {
            var usable = await ServeOneAsync(slot, next, start, log);
            start = null;
            log = null;
            lock (gate)
            {
                lastUsed = services.Time.GetTimestamp();
                next = usable ? waiting.Take(slot.Revision) : null;
                if (next is null)
                {
                    busy--;
                    if (usable)
                    {
                        slot.IdleSince = lastUsed;
                        idle.Add(slot);
                    }
                }
            }

            if (!usable)
            {
                await EndSlotAsync(slot);
            }
        }

        ServeNext();
    }

    /// <summary>Serves one delivery; false if the sandbox must not be used again.</summary>
    private async Task<bool> ServeOneAsync(Slot slot, WaitingDelivery next, SandboxStart? start, ExecutionLog? log)
    {
        try
        {
            // A fresh start was admitted before its sandbox was started.
            if (start is null && !await services.Executor.AdmitAsync(next.Delivery, next.Message, services.Killed))
            {
                return slot.Sandbox.IsUsable;
            }

            await services.Executor.WhenStoreKeepsUpAsync(services.Killed);
            var execution = await services.Executor.RunAsync(
                slot.Sandbox, next.Delivery, next.Message, start, log ?? new ExecutionLog(next.Message, services.Time), Settle, services.Killed);
            lock (gate)
            {
                policy.Observe(execution.Run, execution.CpuTime);
            }

            return slot.Sandbox.IsUsable;
        }
        catch (OperationCanceledException) when (services.Killed.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception exception)
        {
            Log.RunFailed(services.Logger, exception, next.Message.InvocationId, next.Message.Attempt);
            await GiveUpAsync(next);
            return false;
        }
    }

    /// <summary>Something waits that no running slot will take: start a sandbox for it.</summary>
    private void ServeNext()
    {
        WaitingDelivery? toStart;
        lock (gate)
        {
            toStart = busy + starting == 0 ? TakeForStart(eager: true) : null;
        }

        if (toStart is not null)
        {
            services.Track(StartSlotAsync(toStart));
        }
    }

    private async Task EndSlotAsync(Slot slot)
    {
        lock (gate)
        {
            idle.Remove(slot);
        }

        try
        {
            await slot.Sandbox.DisposeAsync();
        }
        finally
        {
            services.Release(slot.ReservedBytes);
        }
    }

    private async Task RefuseHereAsync(WaitingDelivery first, FunctionRevision revision)
    {
        if (first.IsSynchronous && first.Delivery.Refusals < services.MostRefusals)
        {
            await first.Delivery.ReturnAsync(refused: true);
            return;
        }

        var error = new InvocationError
        {
            Code = ErrorCode.NoCapacity,
            Message = $"No worker can run {revision.Manifest.Name}: it needs {revision.Manifest.MemoryBytes >> 20} MB and runtime {revision.Manifest.Runtime}.",
        };
        if (first.IsSynchronous)
        {
            await services.Executor.RefuseAsync(first.Delivery, first.Message, error);
            return;
        }

        // Given back it would come again at once; recorded it comes again after a pause, perhaps elsewhere.
        var nothing = new SandboxStart { Error = error, Start = TimeSpan.Zero, Init = TimeSpan.Zero };
        Settle(services.Executor.FailStartAsync(revision, first.Delivery, first.Message, nothing, new ExecutionLog(first.Message, services.Time)));
    }

    private async Task GiveUpAsync(WaitingDelivery failed)
    {
        if (failed.IsSynchronous)
        {
            await services.Executor.RefuseAsync(failed.Delivery, failed.Message, new InvocationError { Code = ErrorCode.Internal, Message = "The worker failed; its log says how." });
            return;
        }

        // It comes again, here or elsewhere, and becomes a dead letter if it fails so every time.
        await failed.Delivery.ReturnAsync();
    }

    private void PutBack(WaitingDelivery first)
    {
        lock (gate)
        {
            waiting.PutBack(first);
        }
    }

    private static async Task SpillAsync(List<WaitingDelivery> overdue)
    {
        foreach (var call in overdue)
        {
            await (call.Delivery.IsCold ? call.Delivery.ReturnAsync() : call.Delivery.SpillAsync());
        }
    }

    private async Task AdaptPrefetchAsync()
    {
        int wanted;
        lock (gate)
        {
            wanted = policy.Prefetch(busy + idle.Count + starting);
        }

        if (subscription is { } current && wanted != prefetch && !closing && await subscribing.WaitAsync(0))
        {
            try
            {
                prefetch = wanted;
                await current.SetPrefetchAsync(wanted, services.Killed);
            }
            finally
            {
                subscribing.Release();
            }
        }
    }

    private Slot? TakeIdle(int revision)
    {
        for (var i = idle.Count - 1; i >= 0; i--)
        {
            var slot = idle[i];
            if (slot.Revision == revision && slot.Sandbox.IsUsable)
            {
                idle.RemoveAt(i);
                return slot;
            }
        }

        return null;
    }

    private WaitingDelivery? TakeForStart(bool eager)
    {
        if (!eager || waiting.Count == 0 || busy + starting >= policy.SlotLimit)
        {
            return null;
        }

        starting++;
        return waiting.Take();
    }

    private void Settle(Task task)
    {
        if (task.IsCompleted)
        {
            return;
        }

        lock (gate)
        {
            unsettled.Add(task);
        }

        _ = task.ContinueWith(
            done =>
            {
                lock (gate)
                {
                    unsettled.Remove(done);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task WhenQuietAsync(CancellationToken giveUp)
    {
        while (!giveUp.IsCancellationRequested)
        {
            Task[] open;
            bool quiet;
            lock (gate)
            {
                quiet = busy + starting + waiting.Count == 0;
                open = [.. unsettled];
            }

            if (quiet && open.Length == 0)
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

using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Lanes;

/// <summary>
/// The lanes of this worker: sends cold deliveries to theirs, looks at all of them regularly, closes those that are done, and
/// says how much more the worker can take.
/// </summary>
internal sealed class LaneTable : IControlBusHandler<FunctionChanged>, IControlBusHandler<SlotWanted>
{
    private static readonly TimeSpan IdleLook = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BusyLook = TimeSpan.FromMilliseconds(10);
    private const long SmallestFunction = 64L << 20;

    private readonly ConcurrentDictionary<Guid, Lane> lanes = new();
    private readonly ConcurrentDictionary<Lane, Task> closing = new();
    private readonly SemaphoreSlim evicting = new(1);
    private readonly LaneServices services;

    public LaneTable(LaneServices services)
    {
        this.services = services;
        services.Evict = EvictAsync;
        services.Leases.OnWanted = functionId => services.Track(YieldAsync(functionId));
    }

    /// <summary>Functions whose queues are consumed here.</summary>
    public IReadOnlyList<Guid> Warm => [.. lanes.Values.Where(lane => lane.IsWarm).Select(lane => lane.FunctionId)];

    /// <summary>All lanes, closing ones left out.</summary>
    public ICollection<Lane> Lanes => lanes.Values;

    /// <summary>Cold deliveries that could be started at this moment.</summary>
    public int Room => (int)Math.Clamp((services.Budget.FreeBytes / SmallestFunction) + lanes.Values.Sum(lane => lane.Slots.Idle), 0, services.Options.ColdPrefetch);

    /// <summary>Takes a delivery of the cold queue.</summary>
    public ValueTask AcceptColdAsync(IDelivery delivery)
    {
        if (delivery.Message is not { } message)
        {
            services.Track(WakeAsync(delivery));
            return ValueTask.CompletedTask;
        }

        // A lane that closes was taken out of the table before it refuses: the next one is new.
        while (!LaneOf(delivery.FunctionId).TryAccept(delivery, message))
        {
            Thread.Yield();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Looks at the lanes until the token is cancelled.</summary>
    /// <param name="roomChanged">Called after every look with the present <see cref="Room"/>.</param>
    /// <param name="cancellationToken">Ends the loop.</param>
    public async Task LookRegularlyAsync(Func<int, Task> roomChanged, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var waits = false;
            foreach (var lane in lanes.Values)
            {
                lane.Look();
                waits |= lane.HasWaiting;
                if (lane.IsDone())
                {
                    _ = Close(lane, services.Killed);
                }
            }

            await roomChanged(Room);
            await (waits ? Task.Delay(BusyLook, services.Time, cancellationToken) : services.WhenWaitingAsync(IdleLook, cancellationToken));
        }
    }

    /// <summary>Closes every lane; what runs may finish until the token is cancelled.</summary>
    public async Task CloseAllAsync(CancellationToken giveUp)
    {
        await Task.WhenAll(lanes.Values.Select(lane => Close(lane, giveUp)));
        await Task.WhenAll(closing.Values);
    }

    public async Task HandleAsync(FunctionChanged message, CancellationToken cancellationToken)
    {
        if (!lanes.TryGetValue(message.FunctionId, out var lane))
        {
            return;
        }

        if (message.Revision > 0)
        {
            lane.Supersede(message.Revision);
            return;
        }

        await Close(lane, services.Killed);
    }

    public Task HandleAsync(SlotWanted message, CancellationToken cancellationToken) =>
        message.WorkerId == services.WorkerId ? Task.CompletedTask : YieldAsync(message.FunctionId);

    /// <summary>States how many sandboxes of a function are to be loaded here even if nobody calls; 0 for none.</summary>
    public void Keep(Guid functionId, int count, int revision)
    {
        if (count > 0)
        {
            LaneOf(functionId).Keep(count, revision);
            services.Waiting();
        }
        else if (lanes.TryGetValue(functionId, out var lane))
        {
            lane.Keep(0, revision);
        }
    }

    private async Task YieldAsync(Guid functionId)
    {
        if (lanes.TryGetValue(functionId, out var lane) && await lane.YieldAsync())
        {
            await Close(lane, services.Killed);
        }
    }

    private Lane LaneOf(Guid functionId) => lanes.GetOrAdd(functionId, static (id, services) => new Lane(id, services), services);

    private async Task WakeAsync(IDelivery delivery)
    {
        // A function that was deleted meanwhile, or that cannot run here, needs no lane.
        var revision = await services.Revisions.FindCurrentAsync(delivery.FunctionId, services.Killed);
        if (revision is not null && !services.CanRun(revision) && delivery.Refusals < services.MostRefusals)
        {
            await delivery.ReturnAsync(refused: true);
            return;
        }

        await delivery.AckAsync();
        if (revision is not null && services.CanRun(revision) && await HasSlotAsync(revision))
        {
            await LaneOf(delivery.FunctionId).SubscribeAsync();
        }
    }

    // Who cannot run a function must not take from its queue. While others have every slot, they are the ones that take.
    private async Task<bool> HasSlotAsync(FunctionRevision revision)
    {
        if (revision.Manifest.Concurrency is not { } limit || (lanes.TryGetValue(revision.FunctionId, out var lane) && lane.IsWarm))
        {
            return true;
        }

        if (await services.Leases.TryTakeAsync(revision.FunctionId, limit, services.Killed) is not { } lease)
        {
            return false;
        }

        await lease.ReleaseAsync();
        return true;
    }

    private Task Close(Lane lane, CancellationToken giveUp)
    {
        if (!lanes.TryRemove(new KeyValuePair<Guid, Lane>(lane.FunctionId, lane)))
        {
            return Task.CompletedTask;
        }

        var end = CloseAsync(lane, giveUp);
        services.Track(end);
        return end;
    }

    private async Task CloseAsync(Lane lane, CancellationToken giveUp)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        closing[lane] = done.Task;
        try
        {
            await lane.CloseAsync(giveUp);
        }
        finally
        {
            closing.TryRemove(lane, out _);
            done.SetResult();
        }
    }

    private async Task<bool> EvictAsync(long bytes, Lane wanting)
    {
        // One at a time: two that want memory must not both count on the same idle sandbox.
        await evicting.WaitAsync(services.Killed);
        try
        {
            while (!services.Budget.TryReserve(bytes))
            {
                var victim = lanes.Values.Where(lane => lane != wanting && lane.OldestIdle is not null).MinBy(lane => lane.OldestIdle);
                if (victim is null || !await victim.EvictAsync())
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            evicting.Release();
        }
    }
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;
using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Concurrency;

/// <summary>
/// The slots that this worker leases of functions with a concurrency limit. They are renewed while the worker lives and reaches
/// the store; those of a dead one lapse, and one that is cut off ends its runs before others may have their slots.
/// </summary>
internal sealed class SlotLeases(
    ISlotLeaseStore store,
    IControlBus bus,
    IOptions<WorkerOptions> options,
    IOptions<MessagingOptions> messaging,
    TimeProvider time,
    ILogger<SlotLeases> logger)
{
    private readonly ConcurrentDictionary<Guid, FunctionSlots> functions = new();
    private readonly string workerId = messaging.Value.NodeId;
    private readonly TimeSpan lifetime = options.Value.SlotLease;
    private readonly SemaphoreSlim beginning = new(1);
    private volatile bool hasBegun;

    /// <summary>Called when another worker waits for a slot of a function that is held here: an idle sandbox is to be ended.</summary>
    public Action<Guid> OnWanted { get; set; } = _ => { };

    /// <summary>False if the function was at its limit a moment ago.</summary>
    public bool MayAsk(Guid functionId) => !functions.TryGetValue(functionId, out var slots) || slots.MayAsk;

    /// <summary>For how long the function has been at its limit; null if it is not.</summary>
    public TimeSpan? AtLimitFor(Guid functionId) => functions.TryGetValue(functionId, out var slots) ? slots.AtLimitFor : null;

    /// <summary>How many slots of the function this worker has leased.</summary>
    public int CountOf(Guid functionId) => functions.TryGetValue(functionId, out var slots) ? slots.Count : 0;

    /// <summary>Leases one more slot; null at the limit, and then the other workers are asked for an idle one.</summary>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    public async Task<SlotLease?> TryTakeAsync(Guid functionId, int limit, CancellationToken cancellationToken)
    {
        var slots = functions.GetOrAdd(functionId, id => new FunctionSlots(id, workerId, store, lifetime, time, logger));
        if (!slots.MayAsk)
        {
            return null;
        }

        await BeginAsync(cancellationToken);
        if (await slots.TryTakeAsync(limit, cancellationToken) is { } lease)
        {
            return lease;
        }

        await bus.PublishAsync(new SlotWanted { FunctionId = functionId, WorkerId = workerId }, cancellationToken);
        return null;
    }

    /// <summary>Renews until the token is cancelled, then gives everything back.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(RenewRegularlyAsync(cancellationToken), EndLapsingAsync(cancellationToken));

    private async Task RenewRegularlyAsync(CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromTicks(Math.Min(options.Value.HeartbeatInterval.Ticks, lifetime.Ticks / 5));
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await RenewAsync(cancellationToken);
            }
            catch (StoreUnavailableException exception)
            {
                SlotLog.RenewFailed(logger, exception);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // Whatever it was: without renewals every slot would be lost.
                SlotLog.RenewBroke(logger, exception);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await PauseAsync(pause, cancellationToken);
        }

        await ForgetAsync();
    }

    // Apart from the renewals: one of them may hang for as long as the store is given.
    private async Task EndLapsingAsync(CancellationToken cancellationToken)
    {
        while (await PauseAsync(lifetime / 40, cancellationToken))
        {
            foreach (var slots in functions.Values)
            {
                slots.EndLapsing();
            }
        }
    }

    private async Task<bool> PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !cancellationToken.IsCancellationRequested;
    }

    // A worker that was started anew under the same name holds nothing.
    private async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        if (hasBegun)
        {
            return;
        }

        await beginning.WaitAsync(cancellationToken);
        try
        {
            if (!hasBegun)
            {
                await store.ForgetAsync(workerId, cancellationToken);
                hasBegun = true;
            }
        }
        finally
        {
            beginning.Release();
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (functions.IsEmpty)
        {
            return;
        }

        var asked = time.GetTimestamp();
        var held = (await store.RenewAsync(workerId, lifetime, cancellationToken)).ToDictionary(slots => slots.FunctionId);
        foreach (var slots in functions.Values)
        {
            var renewed = held.GetValueOrDefault(slots.FunctionId);
            await slots.RenewedAsync(asked, renewed?.Slots ?? 0, cancellationToken);
            if (renewed is { IsWanted: true })
            {
                OnWanted(slots.FunctionId);
            }
        }
    }

    private async Task ForgetAsync()
    {
        if (functions.IsEmpty)
        {
            return;
        }

        try
        {
            await store.ForgetAsync(workerId, CancellationToken.None);
        }
        catch (StoreUnavailableException exception)
        {
            SlotLog.RenewFailed(logger, exception);
        }
    }
}

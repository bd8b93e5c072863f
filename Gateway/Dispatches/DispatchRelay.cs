using System.Collections.Concurrent;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Storage.Dispatches;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>
/// Delivers what is due of one kind, so that slow receivers of one kind do not hold up the others. Every dispatch is held by a lease
/// while it is delivered, outside of any transaction: whoever dies loses it to the next gateway.
/// </summary>
internal sealed class DispatchRelay(
    IDispatcher dispatcher,
    IDispatchStore store,
    DispatchMetrics metrics,
    IOptions<DispatchOptions> options,
    StoreStart start,
    TimeProvider time,
    ILogger<DispatchRelay> logger)
    : PeriodicService(start, time, logger)
{
    // What a settlement may take beyond the delivery itself before another gateway delivers again.
    private static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(20);
    private readonly ConcurrentDictionary<Guid, Task> underWay = new();
    private readonly SemaphoreSlim changed = new(0, 1);

    protected override string Purpose => $"deliver to {dispatcher.Kind switch { DispatchKind.Function => "functions", DispatchKind.Queue => "queues", _ => "callbacks" }}";

    /// <summary>Looks for what is due now.</summary>
    public void Signal()
    {
        try
        {
            changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // It will look anyway.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // What is not settled by then is delivered again by somebody else, when its lease ends.
        await Task.WhenAll(underWay.Values).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        var settings = options.Value;
        var room = settings.Concurrency - underWay.Count;
        if (room <= 0)
        {
            return settings.Interval;
        }

        var claimed = await store.ClaimDueAsync(dispatcher.Kind, room, settings.Timeout + LeaseMargin, cancellationToken);
        foreach (var dispatch in claimed)
        {
            // In the table before it can end and take itself out.
            var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            underWay[dispatch.DispatchId] = DeliverAsync(gate.Task, dispatch, cancellationToken);
            gate.SetResult();
        }

        return claimed.Count == room ? TimeSpan.Zero : settings.Interval;
    }

    protected override async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(wait, Time, waiting.Token), changed.WaitAsync(waiting.Token));
        await waiting.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task DeliverAsync(Task begin, Dispatch dispatch, CancellationToken stopping)
    {
        await begin;
        try
        {
            await SettleAsync(dispatch, await TryAsync(dispatch, stopping));
        }
        catch (Exception exception)
        {
            // The lease ends, and it is delivered again.
            Log.SettlementFailed(logger, dispatch.InvocationId, dispatch.Kind, exception.Message);
        }
        finally
        {
            underWay.TryRemove(dispatch.DispatchId, out _);
            Signal();
        }
    }

    private async Task<DispatchResult> TryAsync(Dispatch dispatch, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(options.Value.Timeout);
        try
        {
            return await dispatcher.DeliverAsync(dispatch, limit.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return DispatchResult.Failed($"The receiver did not take it within {options.Value.Timeout.TotalSeconds:0.###} s.");
        }
        catch (OperationCanceledException)
        {
            return DispatchResult.Failed("The gateway that delivered it was stopped.");
        }
        catch (Exception exception)
        {
            Log.DeliveryFailed(logger, dispatch.InvocationId, dispatch.Kind, dispatch.Attempts, exception);
            return DispatchResult.Failed(exception.Message);
        }
    }

    private async Task SettleAsync(Dispatch dispatch, DispatchResult result)
    {
        if (result.Error is not { } error)
        {
            metrics.Count(dispatch, DispatchMetrics.Delivered);
            if (!result.IsSettled)
            {
                await store.DeliveredAsync(dispatch, CancellationToken.None);
            }

            return;
        }

        var wait = Backoff(dispatch.Attempts, options.Value, Random.Shared.NextDouble());
        if (result.RetryAfter > wait)
        {
            wait = result.RetryAfter.Value < options.Value.LongestBackoff ? result.RetryAfter.Value : options.Value.LongestBackoff;
        }

        var dueAt = Time.GetUtcNow() + wait;
        if (result.IsFinal || dueAt >= dispatch.BeganAt + options.Value.MaximumAge)
        {
            metrics.Count(dispatch, DispatchMetrics.Dead);
            Log.GaveUp(logger, dispatch.InvocationId, dispatch.FunctionName, dispatch.Kind, dispatch.Attempts, error);
            await store.GiveUpAsync(dispatch, error, CancellationToken.None);
        }
        else
        {
            metrics.Count(dispatch, DispatchMetrics.Failed);
            await store.PutOffAsync(dispatch, dueAt, error, CancellationToken.None);
        }
    }

    internal static TimeSpan Backoff(int attempts, DispatchOptions options, double jitter)
    {
        var wait = options.FirstBackoff * Math.Pow(2, Math.Clamp(attempts - 1, 0, 30));
        wait = wait < options.LongestBackoff ? wait : options.LongestBackoff;
        return wait + (wait * (0.2 * jitter));
    }
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Outbox;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Outbox;

/// <summary>Publishes what is due: the further attempts of invocations. Any number of gateways may do so at the same time.</summary>
internal sealed class OutboxRelay(
    IOutboxStore outbox,
    IInvocationSender sender,
    IFunctionStore functions,
    ICompletionWriter completions,
    EndRecords records,
    Waker waker,
    IOptions<GatewayOptions> options,
    StoreStart start,
    TimeProvider time,
    ILogger<OutboxRelay> logger)
    : PeriodicService(start, time, logger)
{
    private const int BatchLimit = 200;
    private const int RememberedLimit = 10_000;
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim signal = new(0, 1);
    private readonly ConcurrentDictionary<(Guid InvocationId, int Attempt), byte> cancelled = new();

    protected override string Purpose => "publish what is due";

    /// <summary>Looks at the outbox now rather than at the next due time that is known.</summary>
    public void Signal()
    {
        try
        {
            signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // It will look anyway.
        }
    }

    protected override async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        var refused = new ConcurrentQueue<InvocationMessage>();
        var (published, nextDueAt) = await outbox.RelayDueAsync(BatchLimit, (message, token) => PublishAsync(message, refused, token), cancellationToken);
        await CancelDeletedAsync(refused, cancellationToken);
        if (!refused.IsEmpty)
        {
            // What was refused is due already: asking again at once would only turn in circles.
            return RefusedPause;
        }

        if (published == BatchLimit)
        {
            return TimeSpan.Zero;
        }

        // Rows of other nodes are not signalled here, so it never sleeps for longer than the interval.
        var interval = options.Value.OutboxInterval;
        var untilDue = nextDueAt is { } due ? due - Time.GetUtcNow() : interval;
        return untilDue < TimeSpan.Zero ? TimeSpan.Zero : untilDue < interval ? untilDue : interval;
    }

    protected override async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(wait, Time, waiting.Token), signal.WaitAsync(waiting.Token));
        await waiting.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task<bool> PublishAsync(InvocationMessage message, ConcurrentQueue<InvocationMessage> refused, CancellationToken cancellationToken)
    {
        if (cancelled.TryRemove((message.InvocationId, message.Attempt), out _))
        {
            return true;
        }

        if (await sender.EnqueueAsync(message, cancellationToken) is not null)
        {
            refused.Enqueue(message);
            return false;
        }

#if FAULTS
        FaasCluster.Messaging.Hosting.CrashPoint.Pass("after-outbox-publish");
#endif
        waker.WakeIfCold(message.FunctionId);
        return true;
    }

    // A further attempt of a deleted function has no queue to go to. Recorded here, outside of the relay's transaction; its row goes
    // with the next round.
    private async Task CancelDeletedAsync(ConcurrentQueue<InvocationMessage> refused, CancellationToken cancellationToken)
    {
        foreach (var group in refused.GroupBy(message => message.FunctionId))
        {
            if (await functions.FindCurrentAsync(group.Key, cancellationToken) is not null)
            {
                continue;
            }

            foreach (var message in group)
            {
                var record = await records.MakeAsync(
                    message, InvocationState.Cancelled, ErrorCode.FunctionDeleted, "The function was deleted while the invocation waited for its next attempt.", cancellationToken);
                await completions.WriteAsync(record, cancellationToken);
                if (cancelled.Count < RememberedLimit)
                {
                    cancelled[(message.InvocationId, message.Attempt)] = 0;
                }
            }
        }
    }
}

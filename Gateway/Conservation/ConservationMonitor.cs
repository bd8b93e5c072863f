using FaasCluster.Contracts.Api;
using FaasCluster.Gateway.Health;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Messaging;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Conservation;

/// <summary>
/// Counts from both sides whether everything accepted is somewhere: a row that has not ended waits in the outbox, lies in the broker or is
/// in a worker's hands. Nothing is repaired here: a row that is missing is ended by the reconciler, and its operator should know before.
/// </summary>
internal sealed class ConservationMonitor(
    IInvocationStore store,
    IDeadLetterStore letters,
    IQueueDepths queues,
    IInvocationReceiver receiver,
    WorkerTable workers,
    ConservationMetrics metrics,
    IOptions<GatewayOptions> options,
    IOptions<MessagingOptions> messaging,
    StoreStart start,
    TimeProvider time,
    ILogger<ConservationMonitor> logger)
    : PeriodicService(start, time, logger)
{
    // So many times as long as the count took: the counting must not become a load of its own, however many rows there are.
    private const int LeastPause = 10;

    private readonly MissingRows missing = new();

    protected override string Purpose => "count what has not ended";

    protected override async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        var began = Time.GetTimestamp();
        var now = Time.GetUtcNow();

        // 1. The functions in question. 2. The broker. 3. The store again: a row that is open then was open while the broker was asked,
        // so it had to be there. The other way round, whatever ended in between would look lost.
        var before = await store.CountOpenAsync(now - options.Value.ConservationAge, cancellationToken);
        var held = workers.CountHeldEvents(messaging.Value.NodeId).Concat(receiver.CountHeldEvents().Select(pair => KeyValuePair.Create(pair.Key, (long)pair.Value)))
            .GroupBy(pair => pair.Key).ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value));
        var depths = await queues.ReadAsync([.. before.Due.Keys], cancellationToken);
        var open = await store.CountOpenAsync(now - options.Value.ConservationAge, cancellationToken);
        var lost = missing.Add(open.Due.Where(pair => before.Due.ContainsKey(pair.Key)), depths, held);
        var counted = new ConservationStatus
        {
            CountedAt = now,
            Open = open.Open,
            Outbox = open.Outbox,
            Ready = depths.Ready.Values.Sum(),
            Held = held.Values.Sum(),
            Dead = depths.Dead,
            Missing = lost,
        };
        Report(counted, metrics.Latest?.Missing ?? 0);
        metrics.Update(counted, await letters.CountOpenAsync(cancellationToken));
        var pause = Time.GetElapsedTime(began) * LeastPause;
        return pause > options.Value.ConservationInterval ? pause : options.Value.ConservationInterval;
    }

    // Once each time that it changes, not with every count.
    private void Report(ConservationStatus counted, long missingBefore)
    {
        if (counted.Missing > 0 && counted.Missing != missingBefore)
        {
            Log.Missing(logger, counted.Missing, counted.Open, counted.Outbox, counted.Ready, counted.Held);
        }
        else if (counted.Missing == 0 && missingBefore > 0)
        {
            Log.Conserved(logger);
        }
    }
}

using FaasCluster.Gateway.Functions;
using FaasCluster.Gateway.Health;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Maintenance;

/// <summary>
/// Looks after functions whose invocations wait. If no worker is warm for them: a lost wake costs seconds, never an invocation.
/// If those that are warm do not keep up: others are asked to help. A message without a row, of a gateway that died right behind its
/// publishing, is found by asking the queues of all functions in turn. Invocations whose function was deleted are ended here, in case
/// the gateway that deleted it did not get that far.
/// </summary>
internal sealed class WakeSweep(
    IFunctionStore functions,
    FunctionRemoval removal,
    WorkerTable workers,
    IQueueDepths queues,
    Waker waker,
    IInvocationSender sender,
    IOptions<GatewayOptions> options,
    StoreStart start,
    TimeProvider time,
    ILogger<WakeSweep> logger)
    : PeriodicService(start, time, logger)
{
    private const int Most = 1000;
    private const int QueuesAtOnce = 50;
    private Guid lastAsked;
    private bool resumed;

    protected override string Purpose => "look for functions with waiting invocations";

    protected override async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        if (!resumed)
        {
            await removal.ResumeRecentAsync(cancellationToken);
            resumed = true;
        }

        var interval = options.Value.SweepInterval;
        foreach (var functionId in await functions.ListWaitingAsync(Time.GetUtcNow() - interval, Most, cancellationToken))
        {
            if (workers.IsWarm(functionId))
            {
                await SpreadAsync(functionId, cancellationToken);
                continue;
            }

            if (await functions.FindCurrentAsync(functionId, cancellationToken) is null)
            {
                await removal.ResumeAsync(functionId, cancellationToken);
            }
            else
            {
                waker.Wake(functionId);
            }
        }

        await removal.RetryAsync();
        await AskQueuesAsync(cancellationToken);
        return interval;
    }

    // What waits may as well be running, so the queue itself is asked.
    private async Task SpreadAsync(Guid functionId, CancellationToken cancellationToken)
    {
        if (workers.IsColdSomewhere(functionId) && await sender.CountWaitingAsync(functionId, cancellationToken) > 0)
        {
            waker.Wake(functionId);
        }
    }

    private async Task AskQueuesAsync(CancellationToken cancellationToken)
    {
        var next = await functions.ListIdsAsync(lastAsked, QueuesAtOnce, cancellationToken);
        lastAsked = next.Count == QueuesAtOnce ? next[^1] : Guid.Empty;
        var cold = next.Where(functionId => !workers.IsWarm(functionId)).ToList();
        if (cold.Count == 0)
        {
            return;
        }

        foreach (var (functionId, ready) in (await queues.ReadAsync(cold, cancellationToken)).Ready)
        {
            if (ready > 0)
            {
                waker.Wake(functionId);
            }
        }
    }
}

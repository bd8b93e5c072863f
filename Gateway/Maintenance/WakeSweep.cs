using FaasCluster.Gateway.Functions;
using FaasCluster.Gateway.Health;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Storage.Functions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Maintenance;

/// <summary>
/// Looks after functions whose invocations wait although no worker is warm for them: a lost wake costs seconds, never an
/// invocation. Those whose function was deleted are ended here, in case the gateway that deleted it did not get that far.
/// </summary>
internal sealed class WakeSweep(
    IFunctionStore functions,
    FunctionRemoval removal,
    WorkerTable workers,
    Waker waker,
    IOptions<GatewayOptions> options,
    StoreStart start,
    TimeProvider time,
    ILogger<WakeSweep> logger)
    : PeriodicService(start, time, logger)
{
    private const int Most = 1000;
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
        return interval;
    }
}

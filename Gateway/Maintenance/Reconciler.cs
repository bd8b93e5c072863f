using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Maintenance;

/// <summary>Ends invocations that outlived their deadline without anybody having ended them.</summary>
internal sealed class Reconciler(
    IInvocationStore store,
    IOptions<GatewayOptions> options,
    IOptions<MessagingOptions> messaging,
    StoreStart start,
    TimeProvider time,
    ILogger<Reconciler> logger)
    : PeriodicService(start, time, logger)
{
    private const int BatchLimit = 500;

    // A worker that takes a message in its last moment still has to run it and to commit.
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(20);

    protected override string Purpose => "end invocations past their deadline";

    protected override async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        int ended;
        do
        {
            ended = await store.ExpireAsync(Time.GetUtcNow() - Grace, BatchLimit, messaging.Value.NodeId, cancellationToken);
            if (ended > 0)
            {
                Log.Expired(logger, ended);
            }
        }
        while (ended == BatchLimit);
        return options.Value.ReconcileInterval;
    }
}

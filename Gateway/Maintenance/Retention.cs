using FaasCluster.Storage.Maintenance;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Maintenance;

/// <summary>Makes the partitions of the days ahead and removes what is older than the retention.</summary>
internal sealed class Retention(
    IStoreMaintenance maintenance, IOptions<GatewayOptions> options, StoreStart start, TimeProvider time, ILogger<Retention> logger)
    : PeriodicService(start, time, logger)
{
    protected override string Purpose => "apply the retention";

    protected override async Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken)
    {
        await maintenance.EnsurePartitionsAsync(cancellationToken);
        var removed = await maintenance.ApplyRetentionAsync(cancellationToken);
        if (removed is not { Partitions.Count: 0, Rows: 0, Packages: 0, Payloads: 0 })
        {
            Log.Retained(logger, removed.Partitions.Count, removed.Rows, removed.Packages, removed.Payloads);
        }

        return options.Value.RetentionInterval;
    }
}

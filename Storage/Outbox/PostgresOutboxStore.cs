using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Outbox;

/// <summary>The rows stay locked while they are published; a node that dies unlocks them by that.</summary>
internal sealed class PostgresOutboxStore(PostgresDatabase database, TimeProvider time, ILogger<OutboxStore> log) : OutboxStore(database, time, log)
{
    public override Task<(int Published, DateTimeOffset? NextDueAt)> RelayDueAsync(
        int limit, Func<InvocationMessage, CancellationToken, Task<bool>> publish, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var now = Time.GetUtcNow();
        return database.WriteAsync(
            async (connection, transaction) =>
            {
                var rows = await TakeDueAsync(connection, transaction, now, limit, cancellationToken).ConfigureAwait(false);
                var published = await PublishAsync(rows, publish, cancellationToken).ConfigureAwait(false);
                return await SettleAsync(connection, transaction, rows, published, now, rows.Count == limit).ConfigureAwait(false);
            },
            cancellationToken);
    }
}

using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Outbox;

/// <summary>
/// One process has the file, so one relay at a time is the lock: a transaction over the publishing would shut out every
/// other writer.
/// </summary>
internal sealed class SqliteOutboxStore(SqliteDatabase database, TimeProvider time, ILogger<OutboxStore> log) : OutboxStore(database, time, log), IDisposable
{
    private readonly SemaphoreSlim _relaying = new(1, 1);

    public override async Task<(int Published, DateTimeOffset? NextDueAt)> RelayDueAsync(
        int limit, Func<InvocationMessage, CancellationToken, Task<bool>> publish, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        await _relaying.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var now = Time.GetUtcNow();
            var rows = await database.ReadAsync(
                connection => TakeDueAsync(connection, null, now, limit, cancellationToken), cancellationToken).ConfigureAwait(false);
            var published = await PublishAsync(rows, publish, cancellationToken).ConfigureAwait(false);
            return await database.WriteAsync(
                (connection, transaction) => SettleAsync(connection, transaction, rows, published, now, rows.Count == limit), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _relaying.Release();
        }
    }

    public void Dispose() => _relaying.Dispose();
}

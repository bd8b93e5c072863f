using Dapper;
using FaasCluster.Contracts;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Migrations;
using FaasCluster.Storage.Sql;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Storage.Maintenance;

/// <inheritdoc cref="IStoreMaintenance"/>
internal sealed class StoreMaintenance(
    Database database,
    MigrationRunner migrations,
    IOptions<StorageOptions> options,
    TimeProvider time,
    ILogger<StoreMaintenance> log,
    PostgresPartitions? partitions = null) : IStoreMaintenance
{
    // Partitions stand ready for at least so long: nodes that run ahead and weekends without this service do no harm.
    private static readonly TimeSpan Ahead = TimeSpan.FromHours(12);
    private const int SpansAhead = 3;

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        var version = await migrations.RunAsync(cancellationToken).ConfigureAwait(false);
        log.StoreReady(database.Dialect, database.Where, version);
    }

    public Task EnsurePartitionsAsync(CancellationToken cancellationToken)
    {
        if (partitions is null)
        {
            return Task.CompletedTask;
        }

        var now = time.GetUtcNow();
        var span = options.Value.PartitionSpan;
        var ahead = span * SpansAhead > Ahead ? span * SpansAhead : Ahead;
        return partitions.EnsureAsync(now - span, now + ahead, span, cancellationToken);
    }

    public async Task<RetentionResult> ApplyRetentionAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var before = now - options.Value.Retention;
        var dropped = partitions is null ? [] : await partitions.DropAsync(before, cancellationToken).ConfigureAwait(false);
        var rows = 0L;
        foreach (var table in PostgresPartitions.Tables)
        {
            // Beside partitions only what lies in the default one.
            rows += await Collector.DeleteRowsAsync(
                database, partitions is null ? table : $"{table}_default", Uuid7.LowerBound(before), cancellationToken).ConfigureAwait(false);
        }

        var functions = await Collector.DeleteFunctionsAsync(database, before, cancellationToken).ConfigureAwait(false);
        var packages = await Collector.DeletePackagesAsync(database, now, cancellationToken).ConfigureAwait(false);
        var payloads = await Collector.DeletePayloadsAsync(database, now, cancellationToken).ConfigureAwait(false);
        await Collector.DeleteIdempotencyKeysAsync(database, now, cancellationToken).ConfigureAwait(false);
        await Collector.DeleteSlotLeasesAsync(database, cancellationToken).ConfigureAwait(false);
        log.RetentionApplied(dropped.Count, rows, functions, packages, payloads);
        return new RetentionResult(dropped, rows, packages, payloads);
    }

    public async Task<string?> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var present = await database.ReadAsync(
                connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(
                    "SELECT coalesce(max(version), 0) FROM schema_migrations", cancellationToken: cancellationToken)),
                cancellationToken).ConfigureAwait(false);
            var wanted = MigrationRunner.NewestVersion(database.Dialect);
            return present == wanted
                ? null
                : $"The store's schema has version {present}, this node expects {wanted}; run the same release on every node and start it again.";
        }
        catch (StoreUnavailableException exception)
        {
            return exception.Message;
        }
    }
}

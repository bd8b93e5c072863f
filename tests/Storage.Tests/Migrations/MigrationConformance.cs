using Dapper;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Tests.Migrations;

public abstract class MigrationConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Migrate_ByEightNodesAtOnce_IsDoneOnce()
    {
        var empty = await Backend.CreateEmptyAsync();
        var nodes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => StoreNode.StartBareAsync(empty)));

        await Task.WhenAll(nodes.Select(node => Task.Run(async () =>
        {
            await node.Maintenance.MigrateAsync(default);
            await node.Maintenance.EnsurePartitionsAsync(default);
            await node.Accounts.EnsureDefaultAsync(default);
            Assert.Equal([RecordOutcome.Recorded], await node.Invocations.RecordAsync([Sample.Success(Sample.Message())], default));
        })));

        var applied = await nodes[0].Get<Database>().ReadAsync(
            connection => connection.QueryAsync<int>("SELECT version FROM schema_migrations ORDER BY version"), default);
        Assert.Equal(Enumerable.Range(1, applied.Max()), applied);
        foreach (var node in nodes)
        {
            Assert.Null(await node.Maintenance.CheckAsync(default));
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Migrate_SchemaOfANewerRelease_IsRefused()
    {
        var empty = await Backend.CreateEmptyAsync();
        await using var node = await StoreNode.StartAsync(empty);
        await node.Get<Database>().WriteAsync(
            (connection, transaction) => connection.ExecuteAsync(
                "INSERT INTO schema_migrations (version, name, applied_at) VALUES (999, 'later', '2030-01-01 00:00:00+00:00')", null, transaction),
            default);

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => node.Maintenance.MigrateAsync(default));

        Assert.Contains("version 999", exception.Message);
        Assert.Contains("999", await node.Maintenance.CheckAsync(default));
    }

    [Fact]
    public async Task Store_NotMigrated_IsUnavailable()
    {
        var empty = await Backend.CreateEmptyAsync();
        await using var node = await StoreNode.StartBareAsync(empty);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Invocations.CountWaitingAsync(default));
        Assert.NotNull(await node.Maintenance.CheckAsync(default));

        // A worker may start before the gateway that migrates: its records wait.
        var write = node.Completions.WriteAsync(Sample.Success(Sample.Message()), default);
        await Testing.Eventually.TrueAsync(() => node.Completions.IsSaturated, "the writer noticed");
        await node.Maintenance.MigrateAsync(default);

        Assert.Equal(RecordOutcome.Recorded, await write);
    }
}

public sealed class PostgresMigrationTests(PostgresBackend backend) : MigrationConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteMigrationTests(SqliteBackend backend) : MigrationConformance(backend), IClassFixture<SqliteBackend>;

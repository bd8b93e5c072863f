using Dapper;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Tests.Sql;

public sealed class SqliteDurabilityTests
{
    [Fact]
    public async Task Fault08_EmbeddedCrashRightAfterTheCommit_LosesNothing()
    {
        await using var backend = new SqliteBackend();
        await using var crashed = new SqliteBackend();
        await using var node = await StoreNode.StartAsync(backend);
        var records = Enumerable.Range(0, 300).Select(_ => Sample.Success(Sample.Message())).ToList();
        await Task.WhenAll(records.Select(record => node.Completions.WriteAsync(record, default)));

        // What the disk holds while the node still runs is what a killed one leaves.
        foreach (var file in new[] { "store.db", "store.db-wal" })
        {
            File.Copy(Path.Combine(backend.Directory, file), Path.Combine(crashed.Directory, file));
        }

        await using var restarted = await StoreNode.StartAsync(crashed);
        foreach (var record in records)
        {
            Assert.NotNull(await restarted.Invocations.FindAsync(WellKnownAccounts.Default, record.Message.InvocationId, default));
        }
    }

    [Fact]
    public async Task EveryConnection_FlushesItsCommits()
    {
        await using var backend = new SqliteBackend();
        await using var node = await StoreNode.StartAsync(backend);
        var database = node.Get<Database>();

        // 2 is FULL: in WAL mode, NORMAL would lose the last commits with the power.
        Assert.Equal(2, await database.ReadAsync(connection => connection.ExecuteScalarAsync<int>("PRAGMA synchronous"), default));
        Assert.Equal(2, await database.WriteAsync((connection, transaction) => connection.ExecuteScalarAsync<int>("PRAGMA synchronous", null, transaction), default));
        Assert.Equal("wal", await database.ReadAsync(connection => connection.ExecuteScalarAsync<string>("PRAGMA journal_mode"), default));
    }

    [Fact]
    public async Task Write_AfterDisposal_IsRefused()
    {
        await using var backend = new SqliteBackend();
        var node = await StoreNode.StartAsync(backend);
        var database = node.Get<Database>();
        await node.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => database.RecordAsync(new List<AttemptRecord>(), default));
    }

    [Fact]
    public async Task Store_WhereNoFileCanBe_IsUnavailableAndSaysWhere()
    {
        await using var backend = new SqliteBackend();
        var blocked = Path.Combine(backend.Directory, "file");
        await File.WriteAllTextAsync(blocked, "");
        await using var node = await StoreNode.StartBareAsync(backend, settings: ("Data:Directory", blocked));

        var exception = await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Accounts.EnsureDefaultAsync(default));

        Assert.Contains(blocked, exception.Message);
        Assert.Contains(blocked, await node.Maintenance.CheckAsync(default));
    }
}

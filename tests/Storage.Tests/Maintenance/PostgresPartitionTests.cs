using System.Diagnostics;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Maintenance;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace FaasCluster.Storage.Tests.Maintenance;

public sealed class PostgresPartitionTests(PostgresBackend backend, ITestOutputHelper output) : IClassFixture<PostgresBackend>
{
    // Milliseconds on a machine and a disk that have nothing else to do. Behind a lock it would be as long as the lock is wanted, which has no end.
    private static readonly TimeSpan MostOfAWrite = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Ensure_CoversYesterdayToDaysAheadAndIsIdempotent()
    {
        // The same day throughout, though midnight may pass.
        var now = DateTimeOffset.UtcNow;
        var today = now.UtcDateTime.Date;
        var empty = (PostgresBackend)await backend.CreateEmptyAsync();
        await using var node = await StoreNode.StartAsync(empty, new FakeTimeProvider(now));
        foreach (var table in PostgresPartitions.Tables)
        {
            for (var day = -1; day <= 3; day++)
            {
                Assert.Equal(1, await CountAsync(empty, $"{table}_p{today.AddDays(day):yyyyMMdd}0000"));
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => node.Maintenance.EnsurePartitionsAsync(default))));

        await node.Invocations.RecordAsync([Sample.Success(Sample.Message(now))], default);
        Assert.Equal(0, await empty.ScalarAsync<long>("SELECT count(*) FROM invocations_default"));
        Assert.Equal(1, await empty.ScalarAsync<long>($"SELECT count(*) FROM invocations_p{today:yyyyMMdd}0000"));
    }

    [Fact]
    public async Task Ensure_RowsOfThatTimeInTheDefaultPartition_AreMoved()
    {
        var empty = (PostgresBackend)await backend.CreateEmptyAsync();
        await using var node = await StoreNode.StartAsync(empty);
        var future = DateTimeOffset.UtcNow.AddDays(10);
        var record = Sample.Success(Sample.Message(future));
        await node.Invocations.RecordAsync([record], default);
        Assert.Equal(1, await empty.ScalarAsync<long>("SELECT count(*) FROM billing_records_default"));

        await using var later = await StoreNode.StartAsync(empty, new FakeTimeProvider(future));

        Assert.Equal(0, await empty.ScalarAsync<long>("SELECT count(*) FROM billing_records_default"));
        Assert.Single((await node.Invocations.FindAsync(WellKnownAccounts.Default, record.Message.InvocationId, default))!.Attempts);
        Assert.Equal(RecordOutcome.Duplicate, Assert.Single(await node.Invocations.RecordAsync([record], default)));
    }

    [Fact]
    public async Task Ensure_AnotherSpanThanBefore_FillsTheGaps()
    {
        var empty = (PostgresBackend)await backend.CreateEmptyAsync();
        await using var days = await StoreNode.StartAsync(empty);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        await using var hours = await StoreNode.StartAsync(empty, time, ("Storage:PartitionSpan", "01:00:00"));
        time.Advance(TimeSpan.FromDays(2));
        await hours.Maintenance.EnsurePartitionsAsync(default);
        await using var again = await StoreNode.StartAsync(empty, time);

        Assert.Equal(0, await empty.ScalarAsync<long>("SELECT count(*) FROM invocations_default"));
    }

    [Fact]
    public async Task Retention_NodeGoneBetweenDetachAndDrop_IsFinishedByAnother()
    {
        var empty = (PostgresBackend)await backend.CreateEmptyAsync();
        var then = DateTimeOffset.UtcNow.AddDays(-60);
        await using var past = await StoreNode.StartAsync(empty, new FakeTimeProvider(then));
        await using var node = await StoreNode.StartAsync(empty);
        var name = $"start_marks_p{then:yyyyMMdd}0000";
        await empty.ScalarAsync<long>($"ALTER TABLE start_marks DETACH PARTITION {name}; SELECT 1");

        var result = await node.Maintenance.ApplyRetentionAsync(default);

        Assert.Contains(name, result.Partitions);
        Assert.Equal(0, await CountAsync(empty, name));
    }

    [Fact]
    public async Task Retention_LongQueryInTheWay_GivesUpWithoutHoldingUpWriters()
    {
        var empty = (PostgresBackend)await backend.CreateEmptyAsync();
        await using var past = await StoreNode.StartAsync(empty, new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-60)));
        await using var node = await StoreNode.StartAsync(empty);
        await using var source = NpgsqlDataSource.Create(empty.ConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using var report = new NpgsqlCommand("SELECT count(*) FROM invocations", connection, transaction);
            await report.ExecuteScalarAsync();

            // The report's transaction stays open: the partitions of that table cannot be detached now.
            using var patience = new CancellationTokenSource();
            var retention = Task.Run(() => node.Maintenance.ApplyRetentionAsync(patience.Token));
            var longest = await WriteForAsync(node, TimeSpan.FromSeconds(2));
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => retention);
            output.WriteLine($"Longest write behind a blocked detach: {longest.TotalMilliseconds:0} ms");
            Assert.True(longest < MostOfAWrite, $"A write took {longest}.");
        }

        Assert.NotEmpty((await node.Maintenance.ApplyRetentionAsync(default)).Partitions);
    }

    [Fact]
    public async Task Retention_UnderRunningWrites_DropsPartitionsWithoutAStall()
    {
        var empty = (PostgresBackend)await backend.CreateEmptyAsync();
        var start = DateTimeOffset.UtcNow.AddDays(-60);
        await using var past = await StoreNode.StartAsync(empty, new FakeTimeProvider(start));
        for (var i = 0; i < 10; i++)
        {
            await past.Invocations.RecordAsync([.. Enumerable.Range(0, 1000).Select(j => Sample.Success(Sample.Message(start.AddSeconds((i * 1000) + j))))], default);
        }

        await using var node = await StoreNode.StartAsync(empty);
        var baseline = await WriteForAsync(node, TimeSpan.FromSeconds(1));

        var retention = Task.Run(() => node.Maintenance.ApplyRetentionAsync(default));
        var longest = await WriteForAsync(node, TimeSpan.FromSeconds(1), retention);

        var result = await retention;
        output.WriteLine($"{result.Partitions.Count} partitions dropped; longest write before {baseline.TotalMilliseconds:0.0} ms, meanwhile {longest.TotalMilliseconds:0.0} ms");
        Assert.True(result.Partitions.Count >= 16, $"Dropped {result.Partitions.Count} partitions.");
        Assert.Equal(0, await empty.ScalarAsync<long>($"SELECT count(*) FROM invocations WHERE accepted_at < now() - interval '31 days'"));
        Assert.True(longest < MostOfAWrite, $"A write took {longest}.");
    }

    /// <summary>Writes and reads in four lanes; returns how long the slowest took.</summary>
    private static async Task<TimeSpan> WriteForAsync(StoreNode node, TimeSpan atLeast, Task? until = null)
    {
        var watch = Stopwatch.StartNew();
        var longest = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var slowest = TimeSpan.Zero;
            while (watch.Elapsed < atLeast || until is { IsCompleted: false })
            {
                var record = Sample.Success(Sample.Message());
                var started = watch.Elapsed;
                Assert.Equal(RecordOutcome.Recorded, await node.Completions.WriteAsync(record, default));
                await node.Invocations.FindOutcomeAsync(record.Message.InvocationId, 1, default);
                slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, (watch.Elapsed - started).Ticks));
            }

            return slowest;
        })));
        return longest.Max();
    }

    private static Task<long> CountAsync(PostgresBackend backend, string table) =>
        backend.ScalarAsync<long>($"SELECT count(*) FROM pg_class WHERE relname = '{table}'");
}

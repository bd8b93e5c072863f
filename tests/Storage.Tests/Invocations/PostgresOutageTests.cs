using FaasCluster.Storage.Invocations;
using FaasCluster.Testing;
using Npgsql;

namespace FaasCluster.Storage.Tests.Invocations;

/// <summary>What the writers do while PostgreSQL is away or hangs up at the worst moment.</summary>
public sealed class PostgresOutageTests(PostgresBackend backend) : IClassFixture<PostgresBackend>, IAsyncLifetime
{
    private CuttingProxy _proxy = null!;
    private StoreNode _direct = null!;
    private StoreNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        var server = new NpgsqlConnectionStringBuilder(backend.ConnectionString);
        _proxy = new CuttingProxy(server.Host!, server.Port);
        _direct = await StoreNode.StartAsync(backend);
        _node = await StoreNode.StartBareAsync(
            backend,
            settings: [("ConnectionStrings:Postgres", new NpgsqlConnectionStringBuilder(backend.ConnectionString) { Port = _proxy.Port }.ToString()), ("Storage:PendingLimit", "100")]);
    }

    public async ValueTask DisposeAsync()
    {
        _proxy.Open();
        await _node.DisposeAsync();
        await _direct.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task Fault04_AnswerToTheCommitLost_IsUnavailableAndARetryFindsItRecorded()
    {
        await _node.Invocations.RecordAsync([Sample.Success(Sample.Message())], default);
        var record = Sample.Retry(Sample.Message(), DateTimeOffset.UtcNow);

        _proxy.CutNextAnswers(1);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _node.Invocations.RecordAsync([record], default));

        Assert.Equal(1, _proxy.Cuts);
        Assert.Equal(RecordOutcome.Duplicate, Assert.Single(await _node.Invocations.RecordAsync([record], default)));
        Assert.Single(await AttemptsAsync(record));
    }

    [Fact]
    public async Task Fault04_AnswerToTheCommitLost_WriterRetriesByItselfAndRecordsOnce()
    {
        await _node.Completions.WriteAsync(Sample.Success(Sample.Message()), default);
        var record = Sample.Success(Sample.Message());

        _proxy.CutNextAnswers(3);
        await _node.Completions.WriteAsync(record, default);

        Assert.Equal(3, _proxy.Cuts);
        Assert.Single(await AttemptsAsync(record));
    }

    [Fact]
    public async Task Fault08_BackendsTerminatedInTheirCommits_RecordsEachOnce()
    {
        const int Terminations = 25;
        var account = $"a{Guid.NewGuid():N}";
        var written = 0;
        var terminated = 0L;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var nemesis = Task.Run(async () =>
        {
            while (Volatile.Read(ref terminated) < Terminations && !limit.IsCancellationRequested)
            {
                Volatile.Write(ref terminated, terminated + await backend.ScalarAsync<long>(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'WITH input%' AND state = 'active'"));
            }
        });

        // One after another in eight lanes, so that there are many commits to hit.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!nemesis.IsCompleted)
            {
                await _direct.Completions.WriteAsync(Sample.Success(Sample.Message(account: account)), default);
                Interlocked.Increment(ref written);
            }
        })));
        await nemesis;

        Assert.True(terminated >= Terminations, $"Only {terminated} backends were caught in the act.");
        var usage = Assert.Single(await _node.Usage.ByFunctionAsync(account, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), default));
        Assert.Equal(written, usage.Attempts);
        Assert.Equal(written, await backend.ScalarAsync<long>($"SELECT count(*) FROM invocations WHERE account_id = '{account}' AND state = 'succeeded'"));
    }

    [Fact]
    public async Task Fault08_StoreAway_WriterWaitsSaysSoAndBoundsItsBuffer()
    {
        await _node.Completions.WriteAsync(Sample.Success(Sample.Message()), default);
        _proxy.Close();

        // 100 fit into the buffer, some more are in the batch that is being tried; the rest waits outside of it.
        var records = Enumerable.Range(0, 800).Select(_ => Sample.Success(Sample.Message())).ToList();
        var writes = records.Select(record => _node.Completions.WriteAsync(record, default)).ToList();
        await Eventually.TrueAsync(() => _node.Completions.IsSaturated, "the writer says that it is saturated");
        Assert.All(writes, write => Assert.False(write.IsCompleted));
        Assert.Contains("does not answer", await _node.Maintenance.CheckAsync(default));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _node.Accounts.EnsureDefaultAsync(default));

        _proxy.Open();

        Assert.All(await Task.WhenAll(writes), outcome => Assert.Equal(RecordOutcome.Recorded, outcome));
        await Eventually.TrueAsync(() => !_node.Completions.IsSaturated, "the writer takes more");
        Assert.Null(await _node.Maintenance.CheckAsync(default));
    }

    [Fact]
    public async Task Read_AfterEveryConnectionWasCut_WorksAtOnce()
    {
        var record = Sample.Success(Sample.Message());
        await _node.Invocations.RecordAsync([record], default);

        _proxy.Close();
        _proxy.Open();

        Assert.NotNull(await _node.Invocations.FindAsync(record.Message.AccountId, record.Message.InvocationId, default));
    }

    [Fact]
    public async Task Dispose_StoreAway_TellsWhoeverWaits()
    {
        var node = await StoreNode.StartBareAsync(
            backend,
            settings: ("ConnectionStrings:Postgres", new NpgsqlConnectionStringBuilder(backend.ConnectionString) { Port = _proxy.Port }.ToString()));
        _proxy.Close();
        var write = node.Completions.WriteAsync(Sample.Success(Sample.Message()), default);
        await Eventually.TrueAsync(() => node.Completions.IsSaturated, "the writer noticed that the store is away");

        await ((IAsyncDisposable)node.Completions).DisposeAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => write);
        await node.DisposeAsync();
    }

    private async Task<IReadOnlyList<RecordedAttempt>> AttemptsAsync(AttemptRecord record) =>
        (await _direct.Invocations.FindAsync(record.Message.AccountId, record.Message.InvocationId, default))!.Attempts;
}

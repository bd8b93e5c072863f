using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Outbox;

public abstract class OutboxConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Relay_DueRow_ComesOutAsItWentIn()
    {
        var now = DateTimeOffset.UtcNow;
        var message = Sample.Message(now.AddMinutes(-1)) with
        {
            Kind = InvocationKind.Asynchronous,
            Trigger = TriggerKind.Http,
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            Http = new HttpEvent { Method = "POST", Path = "/a%20b", Query = "x=\0", Headers = [new("a", "1"), new("a", "2")], SourceIp = "::1", Host = "h:1" },
            Body = new byte[] { 0, 1, 255 },
        };
        var next = message with { Attempt = 2, Failures = 1, DueAt = now.AddSeconds(-1) };
        await RecordAsync(Sample.Retry(message, now) with { NextAttempt = next });

        var published = await DrainAsync();

        var actual = Assert.Single(published, candidate => candidate.InvocationId == message.InvocationId);
        Assert.Equal(new byte[] { 0, 1, 255 }, actual.Body.ToArray());
        Assert.Equal(next.Http!.Headers, actual.Http!.Headers);
        Assert.Equal(next.Http with { Headers = [] }, actual.Http with { Headers = [] });
        Assert.Equal(next with { Body = default, Http = null }, actual with { Body = default, Http = null });
        Assert.Empty(await DrainAsync());
    }

    [Fact]
    public async Task Cancelled_InvocationWithARowInTheOutbox_IsWithdrawnInTheSameTransaction()
    {
        await DrainAsync(untilEmpty: true);
        var message = Sample.Message();
        var other = Sample.Message();
        var due = DateTimeOffset.UtcNow.AddMinutes(-1);
        await RecordAsync(Sample.Retry(message, due), Sample.Retry(other, due));

        var outcomes = await RecordAsync(Cancelled(message with { Attempt = 2 }));

        Assert.Equal([RecordOutcome.Recorded], outcomes);
        Assert.Equal([other.InvocationId], (await DrainAsync()).Select(published => published.InvocationId));

        // What the worker records later, of this attempt or another, changes nothing.
        Assert.Equal([RecordOutcome.Duplicate], await RecordAsync(Sample.Success(message with { Attempt = 2 })));
        Assert.Equal([RecordOutcome.Duplicate], await RecordAsync(Sample.Retry(message with { Attempt = 3 }, due)));
        Assert.Empty(await DrainAsync());
        var details = await Node.Invocations.FindAsync(message.AccountId, message.InvocationId, default);
        Assert.Equal((InvocationState.Cancelled, 2), (details!.Summary.State, details.Attempts.Count));
    }

    [Fact]
    public async Task Cancelled_Late_LeavesTheEndAsItIs()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Success(message));

        Assert.Equal([RecordOutcome.Duplicate], await RecordAsync(Cancelled(message)));
    }

    [Fact]
    public async Task Relay_NothingDue_SaysWhenTheNextIs()
    {
        await DrainAsync();
        var due = DateTimeOffset.UtcNow.AddHours(1);
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, due));

        var (published, next) = await Node.Outbox.RelayDueAsync(10, (_, _) => throw new InvalidOperationException("not due"), default);

        Assert.Equal(0, published);
        Assert.True((next - due)?.Duration() <= TimeSpan.FromMicroseconds(1));
    }

    [Fact]
    public async Task Relay_NotPublished_StaysAndIsPutOff()
    {
        await DrainAsync();
        var refused = Sample.Message();
        var failing = Sample.Message();
        var fine = Sample.Message();
        var due = DateTimeOffset.UtcNow.AddMinutes(-1);
        await RecordAsync(Sample.Retry(refused, due), Sample.Retry(failing, due), Sample.Retry(fine, due));

        var (published, next) = await Node.Outbox.RelayDueAsync(
            10,
            (message, _) => message.InvocationId == failing.InvocationId ? throw new TimeoutException("no confirm") : Task.FromResult(message.InvocationId == fine.InvocationId),
            default);

        Assert.Equal(1, published);
        Assert.True(next > due.AddSeconds(30), "Rows that failed are put off, so that they do not spin or starve others.");
        var left = await DrainAsync(untilEmpty: true);
        Assert.Equal(new[] { refused.InvocationId, failing.InvocationId }.Order(), left.Select(message => message.InvocationId).Order());
    }

    [Fact]
    public async Task Relay_MoreThanTheLimit_SaysThatThereIsMore()
    {
        await DrainAsync();
        var due = DateTimeOffset.UtcNow.AddMinutes(-1);
        await RecordAsync([.. Enumerable.Range(0, 7).Select(i => Sample.Retry(Sample.Message(), due.AddSeconds(i)))]);
        var order = new ConcurrentQueue<DateTimeOffset>();

        var (published, next) = await Node.Outbox.RelayDueAsync(
            5,
            (message, _) =>
            {
                order.Enqueue(message.DueAt);
                return Task.FromResult(true);
            },
            default);

        Assert.Equal(5, published);
        Assert.Equal(order.Order(), order);
        Assert.True(next < DateTimeOffset.UtcNow);
        Assert.Equal(2, (await DrainAsync()).Count);
    }

    [Fact]
    public async Task Relay_ByTwoNodesAtOnce_PublishesEachOnce()
    {
        await DrainAsync();
        var other = Backend.IsPostgres ? await AddNodeAsync() : Node;
        var records = Enumerable.Range(0, 500).Select(_ => Sample.Retry(Sample.Message(), DateTimeOffset.UtcNow.AddMinutes(-1))).ToArray();
        await RecordAsync(records);
        var published = new ConcurrentBag<Guid>();

        async Task RelayAsync(StoreNode node)
        {
            // Ends when nothing is due for it any more, though the other may still hold some.
            while ((await node.Outbox.RelayDueAsync(20, PublishAsync, default)).Published > 0)
            {
            }
        }

        async Task<bool> PublishAsync(InvocationMessage message, CancellationToken cancellationToken)
        {
            await Task.Yield();
            published.Add(message.InvocationId);
            return true;
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => RelayAsync(i % 2 == 0 ? Node : other))));

        Assert.Equal(records.Select(record => record.Message.InvocationId).Order(), published.Order());
    }

    [Fact]
    public async Task Fault12_RelayGoneBetweenPublishAndDelete_PublishesAgain()
    {
        await DrainAsync();
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow.AddMinutes(-1)));
        var dying = await AddNodeAsync();
        var published = 0;

        await Assert.ThrowsAnyAsync<Exception>(() => dying.Outbox.RelayDueAsync(
            10,
            async (_, _) =>
            {
                published++;
                await KillAsync(dying);
                return true;
            },
            default));

        Assert.Equal(1, published);

        // The server may take a moment to give up the dead node's lock.
        IReadOnlyList<InvocationMessage> again = [];
        await Testing.Eventually.TrueAsync(async () => (again = await DrainAsync()).Count > 0, "the row is published again");
        Assert.Equal(message.InvocationId, Assert.Single(again).InvocationId);
    }

    /// <summary>Makes whatever the node does next with the store fail, as if it had died.</summary>
    protected abstract Task KillAsync(StoreNode node);

    private static AttemptRecord Cancelled(InvocationMessage message) => Sample.Failure(message) with
    {
        State = InvocationState.Cancelled,
        Error = new InvocationError { Code = ErrorCode.Cancelled, Message = "cancelled" },
    };

    private async Task<IReadOnlyList<InvocationMessage>> DrainAsync(bool untilEmpty = false)
    {
        var published = new ConcurrentQueue<InvocationMessage>();
        await Testing.Eventually.TrueAsync(
            async () =>
            {
                var (count, next) = await Node.Outbox.RelayDueAsync(
                    1000,
                    (message, _) =>
                    {
                        published.Enqueue(message);
                        return Task.FromResult(true);
                    },
                    default);
                return count == 0 && !(untilEmpty && next < DateTimeOffset.UtcNow.AddMinutes(1));
            },
            "the outbox is drained");
        return [.. published];
    }

    private Task<IReadOnlyList<RecordOutcome>> RecordAsync(params AttemptRecord[] records) => Node.Invocations.RecordAsync(records, default);
}

public sealed class PostgresOutboxTests(PostgresBackend backend) : OutboxConformance(backend), IClassFixture<PostgresBackend>
{
    protected override async Task KillAsync(StoreNode node) => await backend.ScalarAsync<long>(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'");
}

public sealed class SqliteOutboxTests(SqliteBackend backend) : OutboxConformance(backend), IClassFixture<SqliteBackend>
{
    protected override async Task KillAsync(StoreNode node) => await node.Get<Storage.Sql.Database>().DisposeAsync();
}

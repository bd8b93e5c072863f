using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Invocations;

public abstract class InvocationConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task FindOutcome_SaysWhatIsRecordedOfTheAttempt()
    {
        var message = Sample.Message();
        Assert.Null(await OutcomeAsync(message, 1));

        await Node.Invocations.AcceptAsync([Sample.Accepted(message)], default);
        Assert.Null(await OutcomeAsync(message, 1));

        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));
        Assert.Equal(InvocationState.Queued, await OutcomeAsync(message, 1));
        Assert.Null(await OutcomeAsync(message, 2));

        await RecordAsync(Sample.Success(message with { Attempt = 2 }));
        Assert.Equal(InvocationState.Succeeded, await OutcomeAsync(message, 2));
        Assert.Equal(InvocationState.Succeeded, await OutcomeAsync(message, 3));
    }

    [Fact]
    public async Task MarkStarted_CountsAndTurnsToRunning()
    {
        var message = Sample.Message();
        Assert.Equal(0, await Node.Invocations.CountStartsAsync(message.InvocationId, 1, default));

        // Also before the accepted row, which comes behind the 202.
        Assert.Equal(1, await MarkAsync(message));
        await Node.Invocations.AcceptAsync([Sample.Accepted(message)], default);
        Assert.Equal(2, await MarkAsync(message));

        Assert.Equal(2, await Node.Invocations.CountStartsAsync(message.InvocationId, 1, default));
        Assert.Equal(InvocationState.Running, await StateAsync(message));
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));
        Assert.Equal(InvocationState.Queued, await StateAsync(message));
        Assert.Equal(1, await MarkAsync(message with { Attempt = 2 }));
        Assert.Equal(InvocationState.Running, await StateAsync(message));
    }

    [Fact]
    public async Task MarkStarted_OfAnEndedInvocation_LeavesTheEnd()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Failure(message));

        await MarkAsync(message);

        Assert.Equal(InvocationState.Failed, await StateAsync(message));
    }

    [Fact]
    public async Task MarkStarted_OfARecordedAttempt_LeavesItQueued()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));

        await MarkAsync(message);

        Assert.Equal(InvocationState.Queued, await StateAsync(message));
    }

    [Fact]
    public async Task MarkStarted_AtOnce_CountsEach()
    {
        var message = Sample.Message();

        var marks = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => MarkAsync(message))));

        Assert.Equal(Enumerable.Range(1, 20), marks.Order());
    }

    [Fact]
    public async Task CountOpen_RowsByWhereTheyMustBe_AreApart()
    {
        var now = DateTimeOffset.UtcNow;
        var function = Guid.CreateVersion7();
        var (due, fresh, retried, ended) = (At(-60), At(-1), At(-60), At(-60));
        var before = await Node.Invocations.CountOpenAsync(now.AddSeconds(-30), default);
        await Node.Invocations.AcceptAsync([Sample.Accepted(due), Sample.Accepted(fresh), Sample.Accepted(retried), Sample.Accepted(ended)], default);
        await Node.Invocations.RecordAsync([Sample.Retry(retried, now.AddMinutes(-1)), Sample.Success(ended)], default);

        // A call is nobody's to be looked for: its caller has its own deadline.
        await Node.Invocations.MarkStartedAsync(At(-60) with { Kind = InvocationKind.Synchronous }, "hello", "worker", default);

        var counted = await Node.Invocations.CountOpenAsync(now.AddSeconds(-30), default);
        Assert.Equal((before.Open + 3, before.Outbox + 1), (counted.Open, counted.Outbox));
        Assert.Equal(1, counted.Due[function]);

        InvocationMessage At(int seconds) => Sample.Message(now.AddSeconds(seconds)) with { FunctionId = function };
    }

    [Fact]
    public async Task Find_OfAnotherAccount_IsNothing()
    {
        var record = Sample.Success(Sample.Message());
        await RecordAsync(record);

        Assert.Null(await Node.Invocations.FindAsync("other", record.Message.InvocationId, default));
        Assert.Null(await Node.Invocations.FindAsync(WellKnownAccounts.Default, Guid.CreateVersion7(), default));
    }

    [Fact]
    public async Task List_Pages_ReturnEveryRowOnceNewestFirst()
    {
        var account = $"a{Guid.NewGuid():N}";
        var start = DateTimeOffset.UtcNow;
        var records = Enumerable.Range(0, 25).Select(i => Sample.Success(Sample.Message(start.AddMilliseconds(i), account))).ToList();
        await Node.Invocations.RecordAsync([.. records, Sample.Success(Sample.Message(start, "other"))], default);

        var found = new List<Guid>();
        IReadOnlyList<InvocationSummary> page;
        do
        {
            page = await Node.Invocations.ListAsync(
                new InvocationFilter { AccountId = account, Limit = 10, Before = found.Count == 0 ? null : found[^1] }, default);
            found.AddRange(page.Select(summary => summary.InvocationId));
        }
        while (page.Count == 10);

        Assert.Equal(records.Select(record => record.Message.InvocationId).Reverse(), found);
    }

    [Fact]
    public async Task List_Filters_Combine()
    {
        var account = $"a{Guid.NewGuid():N}";
        var start = DateTimeOffset.UtcNow.AddMinutes(-10);
        AttemptRecord[] records =
        [
            Sample.Success(Sample.Message(start, account), "one"),
            Sample.Failure(Sample.Message(start.AddMinutes(1), account), "one"),
            Sample.Failure(Sample.Message(start.AddMinutes(2), account), "two"),
            Sample.Retry(Sample.Message(start.AddMinutes(3), account), start, "two"),
        ];
        await Node.Invocations.RecordAsync(records, default);

        async Task<IEnumerable<int>> ListAsync(InvocationFilter filter) =>
            (await Node.Invocations.ListAsync(filter, default)).Select(summary => Array.FindIndex(records, r => r.Message.InvocationId == summary.InvocationId));

        var all = new InvocationFilter { AccountId = account };
        Assert.Equal([3, 2, 1, 0], await ListAsync(all));
        Assert.Equal([1, 0], await ListAsync(all with { FunctionName = "one" }));
        Assert.Equal([2, 1], await ListAsync(all with { State = InvocationState.Failed }));
        Assert.Equal([3], await ListAsync(all with { State = InvocationState.Queued }));
        Assert.Equal([2], await ListAsync(all with { State = InvocationState.Failed, FunctionName = "two" }));
        Assert.Equal([3, 2, 1], await ListAsync(all with { Since = start.AddMinutes(1) }));
        Assert.Equal([0], await ListAsync(all with { Until = start.AddMinutes(1) }));
        Assert.Equal([2, 1], await ListAsync(all with { Since = start.AddMinutes(1), Until = start.AddMinutes(3) }));
        Assert.Empty(await ListAsync(all with { AccountId = "other", State = InvocationState.Lost }));
    }

    [Fact]
    public async Task List_LimitOutOfRange_IsRefused() =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Node.Invocations.ListAsync(
            new InvocationFilter { AccountId = "default", Limit = 0 }, default));

    [Fact]
    public async Task Expire_EndsWhatNothingBringsBack()
    {
        var past = DateTimeOffset.UtcNow.AddHours(-7);
        var waiting = Sample.Message(past);
        var inOutbox = Sample.Message(past);
        var young = Sample.Message();
        var running = Sample.Message(past.AddHours(-1));
        var justStarted = Sample.Message(past);
        await Node.Payloads.PutAsync(waiting.InvocationId, new byte[1], default);
        await Node.Invocations.AcceptAsync([Sample.Accepted(waiting with { BodyIsStored = true }), Sample.Accepted(young)], default);
        await RecordAsync(Sample.Retry(inOutbox, past));
        await MarkAsync(running);
        await MarkAsync(justStarted);

        var ended = await Node.Invocations.ExpireAsync(DateTimeOffset.UtcNow.AddMinutes(-20), 100, "gateway-1", default);

        Assert.Equal(2, ended);
        Assert.Equal(0, await Node.Invocations.ExpireAsync(DateTimeOffset.UtcNow.AddMinutes(-20), 100, "gateway-1", default));
        var details = (await Node.Invocations.FindAsync(WellKnownAccounts.Default, waiting.InvocationId, default))!;
        Assert.Equal(InvocationState.Expired, details.Summary.State);
        Assert.Equal(ErrorCode.Expired, details.Summary.ErrorCode);
        Assert.Equal(0, Assert.Single(details.Attempts).Cost);
        Assert.Equal("gateway-1", details.Attempts[0].WorkerId);
        Assert.Null(await Node.Payloads.FindAsync(waiting.InvocationId, default));
        Assert.Equal(InvocationState.Lost, await StateAsync(running));
        Assert.Equal(InvocationState.Running, await StateAsync(justStarted));
        Assert.Equal(InvocationState.Queued, await StateAsync(inOutbox));
        Assert.Equal(InvocationState.Queued, await StateAsync(young));

        // The true end, if it comes after all, changes nothing.
        Assert.Equal(RecordOutcome.Duplicate, await RecordAsync(Sample.Success(waiting)));
        await RecordAsync(Sample.Success(justStarted));
    }

    [Fact]
    public async Task ListWaiting_NamesEachFunctionOnce()
    {
        var now = DateTimeOffset.UtcNow;
        var functions = Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7()).ToList();
        var messages = functions.SelectMany(function => Enumerable.Range(0, 3).Select(_ => Sample.Message(now.AddMinutes(-1)) with { FunctionId = function })).ToList();
        var fresh = Sample.Message(now.AddMinutes(1)) with { FunctionId = Guid.CreateVersion7() };
        var backingOff = Sample.Message(now.AddMinutes(-1)) with { FunctionId = Guid.CreateVersion7() };
        var ended = Sample.Message(now.AddMinutes(-1)) with { FunctionId = Guid.CreateVersion7() };
        await Node.Invocations.AcceptAsync([.. messages.Append(fresh).Select(message => Sample.Accepted(message))], default);
        await RecordAsync(Sample.Retry(backingOff, now.AddMinutes(5)));
        await RecordAsync(Sample.Success(ended));
        var running = Sample.Message(now.AddMinutes(-1)) with { FunctionId = Guid.CreateVersion7() };
        await MarkAsync(running);

        var found = await Node.Functions.ListWaitingAsync(now, 1000, default);

        Assert.Equal(found.Distinct().Count(), found.Count);
        Assert.Equal(functions.Order(), found.Where(functions.Contains).Order());
        Assert.Contains(running.FunctionId, found);
        Assert.DoesNotContain(fresh.FunctionId, found);
        Assert.DoesNotContain(backingOff.FunctionId, found);
        Assert.DoesNotContain(ended.FunctionId, found);
        Assert.Equal(2, (await Node.Functions.ListWaitingAsync(now, 2, default)).Count);
    }

    [Fact]
    public async Task StartOnce_IsTheFirstsWhoeverAsks()
    {
        var message = Sample.Message();
        var now = DateTimeOffset.UtcNow;

        Assert.Equal(StartOutcome.Started, await StartOnceAsync(message, "worker-1", now));
        Assert.Equal(InvocationState.Running, await StateAsync(message));

        // The commit was not confirmed, so it asks again; for the same worker's next delivery the time is another.
        Assert.Equal(StartOutcome.Started, await StartOnceAsync(message, "worker-1", now));
        Assert.Equal(StartOutcome.StartedBefore, await StartOnceAsync(message, "worker-1", now.AddMilliseconds(1)));
        Assert.Equal(StartOutcome.StartedBefore, await StartOnceAsync(message, "worker-2", now));
        Assert.Equal(1, await Node.Invocations.CountStartsAsync(message.InvocationId, 1, default));

        await RecordAsync(Sample.Success(message));
        Assert.Equal(StartOutcome.Ended, await StartOnceAsync(message, "worker-1", now));
        Assert.Equal(StartOutcome.Ended, await StartOnceAsync(message, "worker-2", now));
    }

    [Fact]
    public async Task StartOnce_OfAFurtherAttempt_IsItsOwn()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));

        Assert.Equal(StartOutcome.Ended, await StartOnceAsync(message, "worker-1", DateTimeOffset.UtcNow));
        Assert.Equal(StartOutcome.Started, await StartOnceAsync(message with { Attempt = 2 }, "worker-1", DateTimeOffset.UtcNow));
    }

    [Fact]
    public async Task StartOnce_OfWhatWasCancelled_DoesNotStart()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Failure(message) with { State = InvocationState.Cancelled });

        Assert.Equal(StartOutcome.Ended, await StartOnceAsync(message, "worker-1", DateTimeOffset.UtcNow));
        Assert.Equal(InvocationState.Cancelled, await StateAsync(message));
    }

    [Fact]
    public async Task StartOnce_ByManyAtOnce_IsStartedByOne()
    {
        var message = Sample.Message();
        var other = Backend.IsPostgres ? await AddNodeAsync() : Node;

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() =>
            (i % 2 == 0 ? Node : other).Invocations.StartOnceAsync(message, "hello", $"worker-{i}", DateTimeOffset.UtcNow, default))));

        Assert.Equal(1, outcomes.Count(outcome => outcome == StartOutcome.Started));
        Assert.Equal(15, outcomes.Count(outcome => outcome == StartOutcome.StartedBefore));
    }

    private Task<StartOutcome> StartOnceAsync(InvocationMessage message, string workerId, DateTimeOffset at) =>
        Node.Invocations.StartOnceAsync(message, "hello", workerId, at, default);

    private Task<InvocationState?> OutcomeAsync(InvocationMessage message, int attempt) =>
        Node.Invocations.FindOutcomeAsync(message.InvocationId, attempt, default);

    private Task<int> MarkAsync(InvocationMessage message) => Node.Invocations.MarkStartedAsync(message, "hello", "worker-1", default);

    private async Task<RecordOutcome> RecordAsync(AttemptRecord record) => Assert.Single(await Node.Invocations.RecordAsync([record], default));

    private async Task<InvocationState?> StateAsync(InvocationMessage message) =>
        (await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default))?.Summary.State;
}

public sealed class PostgresInvocationTests(PostgresBackend backend) : InvocationConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteInvocationTests(SqliteBackend backend) : InvocationConformance(backend), IClassFixture<SqliteBackend>;

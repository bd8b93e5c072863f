using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Invocations;

public abstract class RecordingConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Fault12_SameAttemptRecordedAgain_ChangesNothing()
    {
        var record = Sample.Success(Sample.Message());
        await RecordAsync(record);

        Assert.Equal(RecordOutcome.Duplicate, await RecordAsync(Sample.Failure(record.Message)));

        var details = await FindAsync(record);
        Assert.Equal(InvocationState.Succeeded, details.Summary.State);
        Assert.Null(details.Summary.ErrorCode);
        Assert.NotNull(details.Result);
        Assert.Single(details.Attempts);
    }

    [Fact]
    public async Task Record_SameAttemptTwiceInOneBatch_CountsOnce()
    {
        var record = Sample.Success(Sample.Message());
        var other = Sample.Success(Sample.Message());

        var outcomes = await Node.Invocations.RecordAsync([record, other, record], default);

        Assert.Equal(
            [RecordOutcome.Duplicate, RecordOutcome.Recorded, RecordOutcome.Recorded], outcomes.Order().Reverse());
        Assert.Equal(RecordOutcome.Recorded, outcomes[1]);
        Assert.Single((await FindAsync(record)).Attempts);
    }

    [Fact]
    public async Task Fault03_LateAttemptOfAnEndedInvocation_GetsNoBillAndNoNextAttempt()
    {
        var first = Sample.Success(Sample.Message());
        await RecordAsync(first);
        var before = await Node.Invocations.CountWaitingAsync(default);

        var outcome = await RecordAsync(Sample.Retry(first.Message with { Attempt = 2 }, DateTimeOffset.UtcNow));

        Assert.Equal(RecordOutcome.Duplicate, outcome);
        Assert.Single((await FindAsync(first)).Attempts);
        Assert.Equal(before, await Node.Invocations.CountWaitingAsync(default));
    }

    [Fact]
    public async Task Record_EarlierAttemptAfterALaterOne_IsADuplicate()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));
        await RecordAsync(Sample.Retry(message with { Attempt = 2 }, DateTimeOffset.UtcNow));

        Assert.Equal(RecordOutcome.Duplicate, await RecordAsync(Sample.Success(message)));

        var details = await FindAsync(message);
        Assert.Equal(InvocationState.Queued, details.Summary.State);
        Assert.Equal(3, details.Summary.Attempt);
        Assert.Equal([1, 2], details.Attempts.Select(attempt => attempt.Attempt));
    }

    [Fact]
    public async Task Record_FailedAttemptWithTriesLeft_WaitsForTheNext()
    {
        var message = Sample.Message();
        var before = await Node.Invocations.CountWaitingAsync(default);

        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow.AddMinutes(1)));

        var details = await FindAsync(message);
        Assert.Equal(InvocationState.Queued, details.Summary.State);
        Assert.Equal(2, details.Summary.Attempt);
        Assert.Null(details.Summary.EndedAt);
        Assert.Equal(ErrorCode.FunctionError, details.Summary.ErrorCode);
        var after = await Node.Invocations.CountWaitingAsync(default);
        Assert.Equal(before with { Queued = before.Queued + 1, Outbox = before.Outbox + 1 }, after);
    }

    [Fact]
    public async Task Record_SuccessAfterAFailedAttempt_ForgetsTheError()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));

        Assert.Equal(RecordOutcome.Recorded, await RecordAsync(Sample.Success(message with { Attempt = 2 })));

        var details = await FindAsync(message);
        Assert.Equal(InvocationState.Succeeded, details.Summary.State);
        Assert.Null(details.Summary.ErrorCode);
        Assert.Null(details.Summary.ErrorMessage);
        Assert.Equal([ErrorCode.FunctionError, null], details.Attempts.Select(attempt => attempt.ErrorCode));
    }

    [Fact]
    public async Task Record_TwoAttemptsOfOneInvocationInOneBatch_AreRecordedInOrder()
    {
        var message = Sample.Message();

        var outcomes = await Node.Invocations.RecordAsync(
            [Sample.Success(message with { Attempt = 2 }), Sample.Retry(message, DateTimeOffset.UtcNow)], default);

        Assert.All(outcomes, outcome => Assert.Equal(RecordOutcome.Recorded, outcome));
        var details = await FindAsync(message);
        Assert.Equal(InvocationState.Succeeded, details.Summary.State);
        Assert.Equal([1, 2], details.Attempts.Select(attempt => attempt.Attempt));
    }

    [Fact]
    public async Task Accept_AfterTheEnd_DoesNotResurrect()
    {
        var record = Sample.Success(Sample.Message());
        await RecordAsync(record);

        await Node.Invocations.AcceptAsync([Sample.Accepted(record.Message)], default);

        Assert.Equal(InvocationState.Succeeded, (await FindAsync(record)).Summary.State);
        Assert.NotNull((await FindAsync(record)).Result);
    }

    [Fact]
    public async Task Accept_AfterAFailedAttempt_KeepsTheNextAttempt()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));

        await Node.Invocations.AcceptAsync([Sample.Accepted(message)], default);

        Assert.Equal(2, (await FindAsync(message)).Summary.Attempt);
    }

    [Fact]
    public async Task Accept_ThenRecord_Ends()
    {
        var message = Sample.Message();
        await Node.Invocations.AcceptAsync([Sample.Accepted(message), Sample.Accepted(message)], default);
        Assert.Equal(InvocationState.Queued, (await FindAsync(message)).Summary.State);

        Assert.Equal(RecordOutcome.Recorded, await RecordAsync(Sample.Success(message)));

        Assert.Equal(InvocationState.Succeeded, (await FindAsync(message)).Summary.State);
    }

    [Fact]
    public async Task Accept_WithOneBadRow_WritesTheOthers()
    {
        var messages = Enumerable.Range(0, 20).Select(_ => Sample.Message()).ToList();
        messages[7] = messages[7] with { Revision = 0 };

        await Node.Invocations.AcceptAsync([.. messages.Select(message => Sample.Accepted(message))], default);

        foreach (var message in messages)
        {
            var found = await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default);
            Assert.Equal(message.Revision == 0, found is null);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(50)]
    public async Task Record_WithPoisonedRows_RefusesOnlyThose(int poisoned)
    {
        var records = Enumerable.Range(0, 100).Select(_ => Sample.Success(Sample.Message())).ToList();
        for (var i = 0; i < poisoned; i++)
        {
            // A CHECK of the bill in some, of the invocation in others.
            records[i * 2] = i % 2 == 0
                ? records[i * 2] with { Bill = records[i * 2].Bill with { BilledMilliseconds = -1 } }
                : records[i * 2] with { Message = records[i * 2].Message with { Revision = 0 } };
        }

        var outcomes = await Node.Invocations.RecordAsync(records, default);

        for (var i = 0; i < records.Count; i++)
        {
            var isBad = i % 2 == 0 && i / 2 < poisoned;
            Assert.Equal(isBad ? RecordOutcome.Refused : RecordOutcome.Recorded, outcomes[i]);
            var found = await Node.Invocations.FindAsync(WellKnownAccounts.Default, records[i].Message.InvocationId, default);
            Assert.Equal(isBad, found is null);
        }
    }

    [Fact]
    public async Task Record_ByManyAtOnce_RecordsEachOnce()
    {
        var records = Enumerable.Range(0, 200).Select(_ => Sample.Retry(Sample.Message(), DateTimeOffset.UtcNow.AddHours(1))).ToList();
        var before = await Node.Invocations.CountWaitingAsync(default);
        var nodes = Backend.IsPostgres ? [Node, await AddNodeAsync(), await AddNodeAsync(), await AddNodeAsync()] : new[] { Node, Node, Node, Node };

        var outcomes = await Task.WhenAll(nodes.Select(node =>
            Task.Run(() => node.Invocations.RecordAsync([.. records.OrderBy(_ => Random.Shared.Next())], default))));

        Assert.Equal(200, outcomes.Sum(list => list.Count(outcome => outcome == RecordOutcome.Recorded)));
        Assert.Equal(600, outcomes.Sum(list => list.Count(outcome => outcome == RecordOutcome.Duplicate)));
        var after = await Node.Invocations.CountWaitingAsync(default);
        Assert.Equal(before with { Queued = before.Queued + 200, Outbox = before.Outbox + 200 }, after);
        foreach (var record in records)
        {
            Assert.Single((await FindAsync(record)).Attempts);
        }
    }

    [Fact]
    public async Task Record_Nothing_ReturnsNothing() => Assert.Empty(await Node.Invocations.RecordAsync([], default));

    private async Task<RecordOutcome> RecordAsync(AttemptRecord record) => Assert.Single(await Node.Invocations.RecordAsync([record], default));

    private Task<InvocationDetails> FindAsync(AttemptRecord record) => FindAsync(record.Message);

    private async Task<InvocationDetails> FindAsync(InvocationMessage message) =>
        (await Node.Invocations.FindAsync(message.AccountId, message.InvocationId, default))!;
}

public sealed class PostgresRecordingTests(PostgresBackend backend) : RecordingConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRecordingTests(SqliteBackend backend) : RecordingConformance(backend), IClassFixture<SqliteBackend>;

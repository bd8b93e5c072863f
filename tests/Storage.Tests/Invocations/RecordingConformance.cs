using FaasCluster.Contracts;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Invocations;

public abstract class RecordingConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Record_Success_IsReadBackWhole()
    {
        var record = Sample.Success(Sample.Message()) with
        {
            Result = new InvocationResult
            {
                HttpStatus = 201,
                Headers = [new("x-a", "1"), new("x-a", "2")],
                ContentType = "text/plain",
                Body = "hello"u8.ToArray(),
            },
        };
        record = record with { Message = record.Message with { TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" } };

        Assert.Equal(RecordOutcome.Recorded, await RecordAsync(record));

        var details = await FindAsync(record);
        var summary = details.Summary;
        Assert.Equal(record.Message.InvocationId, summary.InvocationId);
        Assert.Equal(record.Message.FunctionId, summary.FunctionId);
        Assert.Equal("hello", summary.FunctionName);
        Assert.Equal(1, summary.Revision);
        Assert.Equal(InvocationKind.Asynchronous, summary.Kind);
        Assert.Equal(TriggerKind.Api, summary.Trigger);
        Assert.Equal(InvocationState.Succeeded, summary.State);
        Assert.Equal(1, summary.Attempt);
        AssertTime(record.Message.AcceptedAt, summary.AcceptedAt);
        AssertTime(record.EndedAt, summary.EndedAt);
        Assert.Null(summary.ErrorCode);
        Assert.Equal(201, details.Result!.HttpStatus);
        Assert.Equal(record.Result!.Headers, details.Result.Headers);
        Assert.Equal("text/plain", details.Result.ContentType);
        Assert.Equal("hello"u8.ToArray(), details.Result.Body.ToArray());
        var attempt = Assert.Single(details.Attempts);
        Assert.Equal(1, attempt.Attempt);
        Assert.Null(attempt.ErrorCode);
        AssertTime(record.StartedAt, attempt.StartedAt);
        AssertTime(record.EndedAt, attempt.EndedAt);
        Assert.Equal(record.Timings, attempt.Timings);
        Assert.True(attempt.ColdStart);
        Assert.Equal(record.MemoryBytes, attempt.MemoryBytes);
        Assert.Equal(record.PeakMemoryBytes, attempt.PeakMemoryBytes);
        Assert.Equal(record.CpuTime, attempt.CpuTime);
        Assert.Equal("worker-1", attempt.WorkerId);
        Assert.Equal(6, attempt.BilledMilliseconds);
        Assert.Equal(0.0015m, attempt.GigabyteSeconds);
        Assert.Equal(0.000000225m, attempt.Cost);
        Assert.Equal("default-1", attempt.PriceVersion);
        Assert.Equal(record.Message.TraceParent, attempt.TraceParent);
    }

    [Fact]
    public async Task Record_UnknownFigures_StayUnknown()
    {
        var record = Sample.Failure(Sample.Message()) with { PeakMemoryBytes = null, CpuTime = null, ColdStart = false };

        await RecordAsync(record);

        var details = await FindAsync(record);
        Assert.Null(details.Result);
        Assert.Null(details.Attempts[0].PeakMemoryBytes);
        Assert.Null(details.Attempts[0].CpuTime);
        Assert.False(details.Attempts[0].ColdStart);
        Assert.Equal(ErrorCode.FunctionError, details.Summary.ErrorCode);
        Assert.Equal("ValueError", details.Summary.ErrorType);
        Assert.Equal("no", details.Summary.ErrorMessage);
    }

    [Fact]
    public async Task Record_SameAttemptAgain_ChangesNothing()
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
    public async Task Record_LateAttemptOfEndedInvocation_GetsNoBillAndNoNextAttempt()
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
    public async Task Record_TextThatTheDatabaseCannotHold_IsCleaned()
    {
        var record = Sample.Failure(Sample.Message()) with
        {
            Error = new InvocationError { Code = ErrorCode.FunctionError, Type = "A\0B", Message = "x\0y\uD800z\U0001F600" },
            WorkerId = "w\0",
        };

        Assert.Equal(RecordOutcome.Recorded, await RecordAsync(record));

        var details = await FindAsync(record);
        Assert.Equal("A\uFFFDB", details.Summary.ErrorType);
        Assert.Equal("x\uFFFDy\uFFFDz\U0001F600", details.Summary.ErrorMessage);
        Assert.Equal("w\uFFFD", details.Attempts[0].WorkerId);
    }

    [Fact]
    public async Task Record_LongErrorMessage_IsCut()
    {
        var message = new string('a', Limits.ErrorMessageLength - 1) + "\U0001F600 and more";
        var record = Sample.Failure(Sample.Message()) with { Error = new InvocationError { Code = ErrorCode.Timeout, Message = message } };

        await RecordAsync(record);

        Assert.Equal(message[..(Limits.ErrorMessageLength - 1)], (await FindAsync(record)).Summary.ErrorMessage);
    }

    [Theory]
    [InlineData(Limits.RecordedResultBytes, true)]
    [InlineData(Limits.RecordedResultBytes + 1, false)]
    [InlineData(0, true)]
    public async Task Record_Result_IsKeptUpToTheLimit(int bytes, bool kept)
    {
        var body = new byte[bytes];
        Random.Shared.NextBytes(body);
        var record = Sample.Success(Sample.Message()) with { Result = new InvocationResult { HttpStatus = 200, Body = body } };

        await RecordAsync(record);

        var details = await FindAsync(record);
        Assert.Equal(InvocationState.Succeeded, details.Summary.State);
        Assert.Equal(kept ? body : null, details.Result?.Body.ToArray());
    }

    [Fact]
    public async Task Record_BodyThatIsPartOfABuffer_IsStoredAlone()
    {
        var buffer = "....hello...."u8.ToArray();
        var record = Sample.Success(Sample.Message()) with { Result = new InvocationResult { Body = buffer.AsMemory(4, 5) } };

        await RecordAsync(record);

        Assert.Equal("hello"u8.ToArray(), (await FindAsync(record)).Result!.Body.ToArray());
    }

    [Fact]
    public async Task Record_End_DropsTheStoredEventAndARetryDoesNot()
    {
        var message = Sample.Message() with { BodyIsStored = true, Body = default };
        await Node.Payloads.PutAsync(message.InvocationId, new byte[] { 1, 2, 3 }, default);

        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow));
        Assert.Equal([1, 2, 3], await Node.Payloads.FindAsync(message.InvocationId, default));

        await RecordAsync(Sample.Success(message with { Attempt = 2 }));
        Assert.Null(await Node.Payloads.FindAsync(message.InvocationId, default));
    }

    [Fact]
    public async Task Record_IdOfASkewedClock_IsTakenAndFound()
    {
        var past = Sample.Success(Sample.Message(DateTimeOffset.UtcNow.AddYears(-3)));
        var future = Sample.Success(Sample.Message(DateTimeOffset.UtcNow.AddYears(3)));

        Assert.All(await Node.Invocations.RecordAsync([past, future], default), outcome => Assert.Equal(RecordOutcome.Recorded, outcome));

        Assert.Single((await FindAsync(past)).Attempts);
        Assert.Single((await FindAsync(future)).Attempts);
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

    protected static void AssertTime(DateTimeOffset expected, DateTimeOffset? actual) =>
        Assert.True(actual is { } time && (expected - time).Duration() <= TimeSpan.FromMicroseconds(1), $"Expected {expected:O}, got {actual:O}.");

    private async Task<RecordOutcome> RecordAsync(AttemptRecord record) => Assert.Single(await Node.Invocations.RecordAsync([record], default));

    private Task<InvocationDetails> FindAsync(AttemptRecord record) => FindAsync(record.Message);

    private async Task<InvocationDetails> FindAsync(InvocationMessage message) =>
        (await Node.Invocations.FindAsync(message.AccountId, message.InvocationId, default))!;
}

public sealed class PostgresRecordingTests(PostgresBackend backend) : RecordingConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRecordingTests(SqliteBackend backend) : RecordingConformance(backend), IClassFixture<SqliteBackend>;

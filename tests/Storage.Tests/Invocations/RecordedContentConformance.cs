using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Invocations;

public abstract class RecordedContentConformance(StoreBackend backend) : Conformance(backend)
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
    public async Task Fault17_IdOfASkewedClock_IsTakenAndFound()
    {
        var past = Sample.Success(Sample.Message(DateTimeOffset.UtcNow.AddYears(-3)));
        var future = Sample.Success(Sample.Message(DateTimeOffset.UtcNow.AddYears(3)));

        Assert.All(await Node.Invocations.RecordAsync([past, future], default), outcome => Assert.Equal(RecordOutcome.Recorded, outcome));

        Assert.Single((await FindAsync(past)).Attempts);
        Assert.Single((await FindAsync(future)).Attempts);
    }

    private static void AssertTime(DateTimeOffset expected, DateTimeOffset? actual) =>
        Assert.True(actual is { } time && (expected - time).Duration() <= TimeSpan.FromMicroseconds(1), $"Expected {expected:O}, got {actual:O}.");

    private async Task<RecordOutcome> RecordAsync(AttemptRecord record) => Assert.Single(await Node.Invocations.RecordAsync([record], default));

    private Task<InvocationDetails> FindAsync(AttemptRecord record) => FindAsync(record.Message);

    private async Task<InvocationDetails> FindAsync(InvocationMessage message) =>
        (await Node.Invocations.FindAsync(message.AccountId, message.InvocationId, default))!;
}

public sealed class PostgresRecordedContentTests(PostgresBackend backend) : RecordedContentConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRecordedContentTests(SqliteBackend backend) : RecordedContentConformance(backend), IClassFixture<SqliteBackend>;

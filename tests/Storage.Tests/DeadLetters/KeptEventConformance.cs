using FaasCluster.Contracts;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.DeadLetters;

/// <summary>What an end leaves behind: the event, and the dead letter of what did not succeed.</summary>
public abstract class KeptEventConformance(StoreBackend backend) : Conformance(backend)
{
    [Theory]
    [InlineData(InvocationState.Failed, ErrorCode.FunctionError)]
    [InlineData(InvocationState.Expired, ErrorCode.Expired)]
    [InlineData(InvocationState.Lost, ErrorCode.Poison)]
    public async Task Record_EndOtherThanWell_MakesADeadLetterWithItsEvent(InvocationState state, ErrorCode code)
    {
        var message = Sample.Message() with { ContentType = "text/plain", Body = new byte[Limits.InlinePayloadBytes] };
        var record = Sample.Failure(message) with { State = state, Error = new InvocationError { Code = code, Message = "why" }, KeepsEventOfSuccess = false };
        await RecordAsync(record);

        var letter = (await LetterAsync(message))!;
        Assert.Equal((DeadLetterState.Open, null, null), (letter.State, letter.SettledAt, letter.RedrivenAs));
        Assert.Equal((state, code, "why", 1), (letter.Invocation.State, letter.Invocation.ErrorCode, letter.Invocation.ErrorMessage, letter.Invocation.Attempt));
        var kept = (await EventAsync(message))!;
        Assert.Equal("text/plain", kept.Message.ContentType);
        Assert.Equal(message.Body.ToArray(), kept.Body);
    }

    [Fact]
    public async Task Record_HttpEvent_IsKeptWithItsRequest()
    {
        var http = new HttpEvent
        {
            Method = "POST",
            Path = "/a b",
            Query = "x=1",
            Headers = [new("x-a", "1"), new("x-a", "2")],
            SourceIp = "127.0.0.1",
            Protocol = "HTTP/1.1",
            Scheme = "http",
            Host = "example",
            PathBase = "/fn/hello",
        };
        var message = Sample.Message() with { Trigger = TriggerKind.Http, Http = http };
        await RecordAsync(Sample.Failure(message));

        var kept = (await EventAsync(message))!.Message.Http!;
        Assert.Equal(http.Headers, kept.Headers);
        Assert.Equal(http, kept with { Headers = http.Headers });
    }

    [Fact]
    public async Task Record_AfterFailures_KeepsAnEventWithoutThem()
    {
        // What is made of it begins anew, with all attempts of its policy.
        var message = Sample.Message() with { Attempt = 4, Failures = 2, SuppressDestinations = true };
        await RecordAsync(Sample.Failure(message));

        var kept = (await EventAsync(message))!.Message;
        Assert.Equal((0, true), (kept.Failures, kept.SuppressDestinations));
    }

    [Fact]
    public async Task Record_OfASynchronousCall_KeepsNothing()
    {
        var message = Sample.Message() with { Kind = InvocationKind.Synchronous };
        await RecordAsync(Sample.Failure(message));

        Assert.Null(await LetterAsync(message));
        Assert.Null(await EventAsync(message));
    }

    [Theory]
    [InlineData(Limits.KeptEventBytes, true, true)]
    [InlineData(Limits.KeptEventBytes + 1, true, false)]
    [InlineData(0, true, true)]
    [InlineData(10, false, false)]
    public async Task Record_Success_KeepsASmallEventUnlessToldNotTo(int bytes, bool keeps, bool isKept)
    {
        var message = Sample.Message() with { Body = new byte[bytes] };
        await RecordAsync(Sample.Success(message) with { KeepsEventOfSuccess = keeps });

        Assert.Equal(isKept ? bytes : null, (await EventAsync(message))?.Body.Length);
        Assert.Null(await LetterAsync(message));
    }

    [Fact]
    public async Task Record_AttemptWithTriesLeft_KeepsNothingYet()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Retry(message, DateTimeOffset.UtcNow.AddHours(1)));

        Assert.Null(await LetterAsync(message));
        Assert.Null(await EventAsync(message));
    }

    [Fact]
    public async Task Record_LateFailureOfASuccess_MakesNoDeadLetter()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Success(message));
        await RecordAsync(Sample.Failure(message with { Attempt = 2 }));

        Assert.Null(await LetterAsync(message));
    }

    [Fact]
    public async Task Record_StoredEventOfAFailure_StaysAndThatOfASuccessGoes()
    {
        var failing = Sample.Message() with { BodyIsStored = true, Body = default };
        var fine = Sample.Message() with { BodyIsStored = true, Body = default };
        await Node.Payloads.PutAsync(failing.InvocationId, new byte[] { 1, 2, 3 }, default);
        await Node.Payloads.PutAsync(fine.InvocationId, new byte[] { 4 }, default);

        await Node.Invocations.RecordAsync([Sample.Failure(failing), Sample.Success(fine)], default);

        Assert.Equal([1, 2, 3], (await EventAsync(failing))!.Body);
        Assert.Null(await EventAsync(fine));
        Assert.Null(await Node.Payloads.FindAsync(fine.InvocationId, default));
    }

    [Fact]
    public async Task Expire_RowWithoutItsMessage_MakesALetterWithoutAnEvent()
    {
        var now = DateTimeOffset.UtcNow;
        var message = Sample.Message() with { Deadline = now.AddHours(-1) };
        await Node.Invocations.AcceptAsync([Sample.Accepted(message)], default);

        await Node.Invocations.ExpireAsync(now, 100, "gateway", default);

        Assert.Equal(InvocationState.Expired, (await LetterAsync(message))!.Invocation.State);
        Assert.Null(await EventAsync(message));
    }

    [Fact]
    public async Task Find_ByAStranger_FindsNothing()
    {
        var message = Sample.Message();
        await RecordAsync(Sample.Failure(message));

        Assert.Null(await Node.DeadLetters.FindAsync("stranger", message.InvocationId, default));
        Assert.Null(await Node.Events.FindAsync("stranger", message.InvocationId, default));
        Assert.Empty(await Node.Events.FindMessagesAsync("stranger", [message.InvocationId], default));
        Assert.Empty(await Node.DeadLetters.ListAsync(new DeadLetterFilter { AccountId = "stranger" }, default));
        Assert.Empty(await Node.DeadLetters.DiscardAsync("stranger", [message.InvocationId], default));
    }

    private Task<DeadLetter?> LetterAsync(InvocationMessage message) =>
        Node.DeadLetters.FindAsync(WellKnownAccounts.Default, message.InvocationId, default);

    private Task<KeptEvent?> EventAsync(InvocationMessage message) => Node.Events.FindAsync(WellKnownAccounts.Default, message.InvocationId, default);

    private async Task RecordAsync(AttemptRecord record) => await Node.Invocations.RecordAsync([record], default);
}

public sealed class PostgresKeptEventTests(PostgresBackend backend) : KeptEventConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteKeptEventTests(SqliteBackend backend) : KeptEventConformance(backend), IClassFixture<SqliteBackend>;

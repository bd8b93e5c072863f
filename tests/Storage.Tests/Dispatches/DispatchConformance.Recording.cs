using System.Text;
using System.Text.Json.Nodes;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Dispatches;

/// <summary>What is written of an end, and for whom.</summary>
public abstract partial class DispatchConformance
{
    [Theory]
    [InlineData(InvocationState.Succeeded, "on-success")]
    [InlineData(InvocationState.Failed, "on-failure")]
    [InlineData(InvocationState.Expired, "on-failure")]
    [InlineData(InvocationState.Lost, "on-failure")]
    [InlineData(InvocationState.Cancelled, null)]
    public async Task Record_End_IsToldToTheDestinationOfItsKind(InvocationState state, string? expected)
    {
        var record = state == InvocationState.Succeeded ? Success() : Sample.Failure(Message()) with { State = state };
        record = record with { OnSuccess = new() { Function = "on-success" }, OnFailure = new() { Function = "on-failure" } };

        await RecordAsync(record);

        Assert.Equal(expected, (await FindAsync(record)).SingleOrDefault()?.Target);
    }

    [Fact]
    public async Task Record_NoEndOrNobodyWaitsElsewhere_TellsNobody()
    {
        var retried = Sample.Retry(Message(), DateTimeOffset.UtcNow.AddHours(1)) with { OnSuccess = Function, OnFailure = Function };
        var synchronous = Success() with { OnSuccess = Function };
        synchronous = synchronous with { Message = synchronous.Message with { Kind = InvocationKind.Synchronous } };

        await RecordAsync(retried, synchronous);

        Assert.Empty(await FindAsync(retried));
        Assert.Empty(await FindAsync(synchronous));
    }

    [Fact]
    public async Task Fault12_SameEndRecordedTwice_IsToldOnce()
    {
        var record = Success() with { OnSuccess = Function };

        Assert.Equal([RecordOutcome.Recorded], await RecordAsync(record));
        Assert.Equal([RecordOutcome.Duplicate], await RecordAsync(record with { EndedAt = record.EndedAt.AddSeconds(1) }));

        Assert.Single(await FindAsync(record));
        var dispatch = await ClaimAsync(record);
        var audit = await DeployAsync();
        Assert.True(await Node.Dispatches.InvokeAsync(dispatch, Caused(dispatch, audit), default));
        Assert.False(await Node.Dispatches.InvokeAsync(dispatch, Caused(dispatch, audit), default));
        await RecordAsync(record);
        Assert.Equal(DispatchState.Delivered, Assert.Single(await FindAsync(record)).State);
    }

    [Fact]
    public async Task Record_BatchOfManyKinds_TellsEachItsOwn()
    {
        var told = Enumerable.Range(0, 20).Select(_ => Success() with { OnSuccess = Function }).ToArray();
        var quiet = Enumerable.Range(0, 20).Select(_ => Success()).ToArray();
        var again = Success() with { OnSuccess = Function };
        await RecordAsync(again);

        var outcomes = await RecordAsync([.. told, .. quiet, again]);

        Assert.Equal(40, outcomes.Count(outcome => outcome == RecordOutcome.Recorded));
        foreach (var record in told)
        {
            Assert.Single(await FindAsync(record));
        }

        foreach (var record in quiet)
        {
            Assert.Empty(await FindAsync(record));
        }
    }

    [Fact]
    public async Task Record_Failure_HasLambdasShape()
    {
        var message = Message() with { Attempt = 3, AccountId = "default" };
        var record = Sample.Failure(message) with
        {
            OnFailure = Function,
            Event = """{"order": [1, "é"]}"""u8.ToArray(),
            Error = new InvocationError { Code = ErrorCode.FunctionError, Type = "ValueError", Message = "half \ud800 pair", StackTrace = ["app.py:1"] },
            EndedAt = new DateTimeOffset(2030, 1, 2, 3, 4, 5, 678, TimeSpan.Zero).AddTicks(9),
        };
        await RecordAsync(record);

        var body = JsonNode.Parse((await ClaimAsync(record, DateTimeOffset.MaxValue)).Body.Span)!;

        var expected = JsonNode.Parse(
            $$"""
            {
              "version": "1.0", "timestamp": "2030-01-02T03:04:05.678Z",
              "requestContext": {
                "requestId": "{{message.InvocationId}}", "functionArn": "arn:aws:lambda:local:default:function:hello:1",
                "condition": "RetriesExhausted", "approximateInvokeCount": 3
              },
              "requestPayload": { "order": [1, "é"] },
              "responseContext": { "statusCode": 200, "executedVersion": "1", "functionError": "Unhandled" },
              "responsePayload": { "errorMessage": "half \uFFFD pair", "errorType": "ValueError", "stackTrace": ["app.py:1"] }
            }
            """);
        Assert.True(JsonNode.DeepEquals(expected, body), body.ToJsonString());
    }

    [Theory]
    [InlineData("{\"a\":1}", "{\"a\":1}", null)]
    [InlineData("just text", "\"just text\"", "text")]
    [InlineData("{\"a\":1} x", "\"{\\u0022a\\u0022:1} x\"", "text")]
    [InlineData("\"\\ud800\"", "\"\\u0022\\\\ud800\\u0022\"", "text")]
    [InlineData("", "null", null)]
    public async Task Record_Payload_StandsInTheRecordAsWhatItIs(string answer, string expected, string? encoding)
    {
        var record = Success() with { OnSuccess = Function, Result = new InvocationResult { Body = Encoding.UTF8.GetBytes(answer) } };
        await RecordAsync(record);

        var body = JsonNode.Parse((await ClaimAsync(record)).Body.Span)!;

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), body["responsePayload"]), body.ToJsonString());
        Assert.Equal(encoding, (string?)body["responsePayloadEncoding"]);
    }

    [Fact]
    public async Task Record_BinaryAndTooLargePayloads_AreEncodedAndLeftOut()
    {
        var record = Success() with
        {
            OnSuccess = Function,
            Event = new byte[] { 0xff, 0 },
            Result = new InvocationResult { Body = new byte[Limits.SynchronousPayloadBytes] },
        };
        await RecordAsync(record);

        var body = JsonNode.Parse((await ClaimAsync(record)).Body.Span)!;

        Assert.Equal("/wA=", (string?)body["requestPayload"]);
        Assert.Equal("base64", (string?)body["requestPayloadEncoding"]);
        Assert.Null(body["responsePayload"]);
        Assert.Equal("omitted", (string?)body["responsePayloadEncoding"]);
    }

    [Fact]
    public async Task Record_EndOfASuppressedReplay_TellsNobody()
    {
        var record = Success(Message() with { SuppressDestinations = true, Callback = new Uri("https://example.com/") }) with { OnSuccess = Function };

        await RecordAsync(record);

        Assert.Empty(await FindAsync(record));
    }

    [Fact]
    public async Task Redrive_OfWhatADestinationInvoked_KeepsItsLineageAndItsCallback()
    {
        var revision = await DeployAsync();
        var old = Message() with
        {
            FunctionId = revision.FunctionId,
            Depth = 3,
            CausedBy = Guid.CreateVersion7(),
            Callback = new Uri("https://example.com/hook"),
        };
        await RecordAsync(Sample.Failure(old));
        var kept = (await Node.Events.FindMessagesAsync("default", [old.InvocationId], default))[old.InvocationId];
        Assert.Equal((3, old.CausedBy, old.Callback), (kept.Depth, kept.CausedBy, kept.Callback));
        var restart = new Restart { Of = old.InvocationId, FunctionName = revision.Manifest.Name, Message = kept with { InvocationId = Guid.CreateVersion7(), Attempt = 1 } };

        await Node.DeadLetters.RedriveAsync([restart], default);

        var made = (await Node.Invocations.FindAsync("default", restart.Message.InvocationId, default))!.Summary;
        Assert.Equal((3, old.CausedBy, old.Callback, false), (made.Depth, made.CausedBy, made.Callback, made.SuppressDestinations));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Expire_OfASuppressedReplay_TellsNobody(bool suppressed)
    {
        var revision = await DeployAsync();
        var message = Sample.Message(DateTimeOffset.UtcNow.AddHours(-9)) with { FunctionId = revision.FunctionId, Revision = revision.Revision, SuppressDestinations = suppressed };
        await Node.Invocations.AcceptAsync([Sample.Accepted(message, "replayed")], default);

        await Node.Invocations.ExpireAsync(DateTimeOffset.UtcNow, 1000, "gateway", default);

        Assert.Equal(suppressed ? 0 : 1, (await Node.Invocations.FindAsync("default", message.InvocationId, default))!.Dispatches.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Expire_ByTheReconciler_IsToldToDestinationAndCallback(bool wasRunning)
    {
        var revision = await DeployAsync();
        var message = Sample.Message(DateTimeOffset.UtcNow.AddHours(-9)) with
        {
            FunctionId = revision.FunctionId,
            Revision = revision.Revision,
            Depth = 1,
            CausedBy = Guid.CreateVersion7(),
            Callback = new Uri("https://example.com/hook?x=1"),
        };
        if (wasRunning)
        {
            await Node.Invocations.MarkStartedAsync(message, "failing", "worker", default);
        }
        else
        {
            await Node.Invocations.AcceptAsync([Sample.Accepted(message, "failing")], default);
        }

        await Node.Invocations.ExpireAsync(DateTimeOffset.UtcNow, 1000, "gateway", default);

        var details = (await Node.Invocations.FindAsync("default", message.InvocationId, default))!;
        Assert.Equal((wasRunning ? InvocationState.Lost : InvocationState.Expired, 1, message.CausedBy), (details.Summary.State, details.Summary.Depth, details.Summary.CausedBy));
        Assert.Equal(["audit", "https://example.com/hook?x=1"], details.Dispatches.OrderBy(dispatch => dispatch.Kind).Select(dispatch => dispatch.Target));
        Assert.All(details.Dispatches, dispatch => Assert.Equal(details.Summary.State, dispatch.Outcome));
    }
}

using System.Net;
using System.Text;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

public sealed class RuntimeApiTests(RuntimeApiFixture api) : IClassFixture<RuntimeApiFixture>
{
    private const string Ok = """{"status":"OK"}""";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Next_AsksBeforeThereIsAnEvent_IsAnsweredWhenThereIs()
    {
        await api.AttachFreshAsync();
        using var client = await api.ConnectAsync();
        await client.SendLinesAsync("GET /2018-06-01/runtime/invocation/next HTTP/1.1", "Host: x", "", "");
        Assert.Null(await api.Session.Started.WaitAsync(Patience));
        api.Session.Begin(RuntimeApiFixture.Invocation("""{"n":1}""", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"));

        var (head, body) = await client.ReadAsync();

        Assert.Equal("""{"n":1}""", body);
        Assert.Equal(
            [
                "HTTP/1.1 200 OK",
                "Content-Length: 7",
                "Content-Type: application/json",
                "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "Lambda-Runtime-Deadline-Ms: 1600000000123",
                "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:local:default:function:test",
                "Lambda-Runtime-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            ],
            head.Split("\r\n").Where(line => !line.StartsWith("Date: ", StringComparison.Ordinal)).Order(StringComparer.Ordinal).OrderBy(line => !line.StartsWith("HTTP", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Response_ToTheRunningInvocation_IsItsAnswer()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();

        Assert.Equal((HttpStatusCode.Accepted, Ok), await api.PostAsync($"invocation/{invocation.Id}/response", "\"done\""));

        var answer = await invocation.Answer.WaitAsync(Patience);
        Assert.Equal("\"done\"", Encoding.UTF8.GetString(answer.Payload.Span));
        Assert.Null(answer.Error);
        Assert.False(api.Session.Ready.IsCompleted);
        var poll = api.NextAsync();
        await api.Session.Ready.WaitAsync(Patience);
        api.Session.Begin(RuntimeApiFixture.Invocation("2"));
        Assert.Equal("2", await (await poll).Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("""{"errorMessage":"no","errorType":"Bad","stackTrace":["one","two"]}""", null, "Bad", "no", "one|two")]
    [InlineData("""{"errorMessage":"no","errorType":"Bad","trace":["Error: no","    at f (/var/task/a.js:1:2)"]}""", null, "Bad", "no", "Error: no|    at f (/var/task/a.js:1:2)")]
    [InlineData("""{"errorMessage":"no","errorType":"errorString","stackTrace":[{"path":"github.com/x/a.go","line":7,"label":"f"}]}""", null, "errorString", "no", "f (github.com/x/a.go:7)")]
    [InlineData("""{"errorMessage":"no"}""", "Function.Broken", "Function.Broken", "no", "")]
    [InlineData("it broke", "Runtime.Odd", "Runtime.Odd", "it broke", "")]
    [InlineData("", null, null, "", "")]
    [InlineData("[1]", null, null, "[1]", "")]
    [InlineData("""{"errorMessage":{"a":1},"errorType":null,"stackTrace":[null,1]}""", null, null, """{"a":1}""", "null|1")]
    public async Task Error_OfTheFunction_IsKeptInEveryForm(string body, string? header, string? type, string message, string trace)
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();

        Assert.Equal(
            (HttpStatusCode.Accepted, Ok),
            await api.PostAsync($"invocation/{invocation.Id}/error", body, request => request.Headers.TryAddWithoutValidation("Lambda-Runtime-Function-Error-Type", header)));

        var error = (await invocation.Answer.WaitAsync(Patience)).Error!;
        Assert.Equal((ErrorCode.FunctionError, type, message, trace), (error.Code, error.Type, error.Message, string.Join('|', error.StackTrace)));
    }

    [Fact]
    public async Task InitError_BeforeTheFirstNext_EndsTheStart()
    {
        await api.AttachFreshAsync();

        Assert.Equal((HttpStatusCode.Accepted, Ok), await api.PostAsync("init/error", """{"errorMessage":"no config","errorType":"Extension.NoConfig"}"""));

        var error = (await api.Session.Started.WaitAsync(Patience))!;
        Assert.Equal((ErrorCode.InitError, "Extension.NoConfig", "no config"), (error.Code, error.Type, error.Message));
        await RefusedAsync(HttpStatusCode.Forbidden, "InvalidStateTransition", "State transition from InitError to InitError failed for runtime. Error: State transition is not allowed", "init/error", "{}");
        using var next = await api.NextAsync();
        Assert.Equal(HttpStatusCode.Forbidden, next.StatusCode);
        Assert.Contains("from InitError to Ready", await next.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Calls_OutOfTurn_AreRefusedAsAwsDoes()
    {
        await api.AttachFreshAsync();
        await RefusedAsync(HttpStatusCode.BadRequest, "InvalidRequestID", "Invalid request ID", "invocation/8476a536/response", "1");
        await RefusedAsync(HttpStatusCode.BadRequest, "InvalidRequestID", "Invalid request ID", "invocation/8476a536/error", "{}");

        var first = await api.RunningAsync();
        await RefusedAsync(HttpStatusCode.BadRequest, "InvalidRequestID", "Invalid request ID", $"invocation/{first.Id}0/response", "1");
        await RefusedAsync(HttpStatusCode.Forbidden, "InvalidStateTransition", "State transition from Running to InitError failed for runtime. Error: State transition is not allowed", "init/error", "{}");
        Assert.False(first.Answer.IsCompleted);
        await api.PostAsync($"invocation/{first.Id}/response", "1");

        // Twice, and in two ways.
        const string Sent = "State transition from RuntimeResponseSentState to ";
        await RefusedAsync(HttpStatusCode.Forbidden, "InvalidStateTransition", Sent + "InvocationResponse failed for runtime. Error: State transition is not allowed", $"invocation/{first.Id}/response", "2");
        await RefusedAsync(HttpStatusCode.Forbidden, "InvalidStateTransition", Sent + "InvocationErrorResponse failed for runtime. Error: State transition is not allowed", $"invocation/{first.Id}/error", "{}");
        Assert.Equal("1", Encoding.UTF8.GetString((await first.Answer).Payload.Span));

        // Late: another is under way, asked for or not.
        var second = RuntimeApiFixture.Invocation();
        api.Session.Begin(second);
        await RefusedAsync(HttpStatusCode.BadRequest, "InvalidRequestID", "Invalid request ID", $"invocation/{first.Id}/response", "3");
        await RefusedAsync(HttpStatusCode.BadRequest, "InvalidRequestID", "Invalid request ID", $"invocation/{second.Id}/response", "3");
        using var next = await api.NextAsync();
        await RefusedAsync(HttpStatusCode.BadRequest, "InvalidRequestID", "Invalid request ID", $"invocation/{first.Id}/error", "{}");
        Assert.False(second.Answer.IsCompleted);
    }

    [Fact]
    public async Task Next_AskedAgainWhileRunning_GivesTheSameEventOnce()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync("\"again\"");

        using var again = await api.NextAsync();

        Assert.Equal(invocation.Id, again.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single());
        Assert.Equal("\"again\"", await again.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Accepted, (await api.PostAsync($"invocation/{invocation.Id}/response", "1")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.PostAsync($"invocation/{invocation.Id}/response", "2")).Status);
    }

    [Fact]
    public async Task Next_WhoseClientLeft_LeavesTheEventForTheOneThatAsksAgain()
    {
        await api.AttachFreshAsync();
        using (var client = await api.ConnectAsync())
        {
            await client.SendLinesAsync("GET /2018-06-01/runtime/invocation/next HTTP/1.1", "Host: x", "", "");
            await api.Session.Started.WaitAsync(Patience);
        }

        await api.Endpoint.WhenDrainedAsync().WaitAsync(Patience);
        await api.RunningAsync();
    }

    [Fact]
    public async Task Response_OfMoreThanTheLimit_IsRefusedAndEndsTheInvocation()
    {
        await api.AttachFreshAsync();
        foreach (var chunked in new[] { false, true })
        {
            var invocation = await api.RunningAsync();
            var (status, body) = await api.PostAsync(
                $"invocation/{invocation.Id}/response", new string('x', Limits.SynchronousPayloadBytes + 1), request => request.Headers.TransferEncodingChunked = chunked);

            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
            Assert.Equal("""{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}""", body);
            var error = (await invocation.Answer.WaitAsync(Patience)).Error!;
            Assert.Equal((ErrorCode.ResponseTooLarge, "Function.ResponseSizeTooLarge"), (error.Code, error.Type));
            Assert.Equal("Response payload size exceeded maximum allowed payload size (6291556 bytes).", error.Message);
        }

        var largest = await api.RunningAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await api.PostAsync($"invocation/{largest.Id}/response", new string('x', Limits.SynchronousPayloadBytes))).Status);
        Assert.Equal(Limits.SynchronousPayloadBytes, (await largest.Answer.WaitAsync(Patience)).Payload.Length);
    }

    [Fact]
    public async Task Response_ThatBreaksOff_IsNoAnswer()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();
        using (var client = await api.ConnectAsync())
        {
            await client.SendLinesAsync($"POST /2018-06-01/runtime/invocation/{invocation.Id}/response HTTP/1.1", "Host: x", "Content-Length: 100", "", "half");
        }

        Assert.Equal("Runtime.TruncatedResponse", (await invocation.Answer.WaitAsync(Patience)).Error!.Type);
    }

    [Fact]
    public async Task Response_WithAnUnknownMode_IsRefused()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();

        var (status, body) = await api.PostAsync(
            $"invocation/{invocation.Id}/response", "1", request => request.Headers.Add("Lambda-Runtime-Function-Response-Mode", "buffered"));

        Assert.Equal((HttpStatusCode.BadRequest, """{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}"""), (status, body));
        Assert.Equal("Runtime.InvalidResponseModeHeader", (await invocation.Answer.WaitAsync(Patience)).Error!.Type);
    }

    [Theory]
    [InlineData("GET", "/2018-06-01/runtime/invocation/a/response", "405 Method Not Allowed")]
    [InlineData("POST", "/2018-06-01/runtime/invocation/next", "405 Method Not Allowed")]
    [InlineData("GET", "/2018-06-01/runtime/init/error", "405 Method Not Allowed")]
    [InlineData("GET", "/2018-06-01/ping", "200 OK")]
    [InlineData("GET", "/2018-06-01/runtime/invocation/", "404 Not Found")]
    [InlineData("POST", "/2018-06-01/runtime/invocation//response", "404 Not Found")]
    [InlineData("POST", "/2018-06-01/runtime/invocation/a/b/response", "404 Not Found")]
    [InlineData("POST", "/2020-01-01/extension/register", "404 Not Found")]
    [InlineData("GET", "/", "404 Not Found")]
    public async Task Paths_ThatTheApiDoesNotHave_AreNotFound(string method, string path, string status)
    {
        using var client = await api.ConnectAsync();
        await client.SendLinesAsync($"{method} {path} HTTP/1.1", "Host: x", "Content-Length: 0", "", "");
        Assert.StartsWith("HTTP/1.1 " + status, (await client.ReadAsync()).Head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_Disposed_EndsItsConnectionsAndNoOthers()
    {
        await api.AttachFreshAsync();
        var (other, port) = await api.AttachAsync();
        using var theirs = await api.ConnectAsync(port);
        using var ours = await api.ConnectAsync();
        foreach (var client in new[] { theirs, ours })
        {
            await client.SendLinesAsync("GET /2018-06-01/runtime/invocation/next HTTP/1.1", "Host: x", "", "");
        }

        await Task.WhenAll(other.Session.Started, api.Session.Started).WaitAsync(Patience);
        await other.DisposeAsync();

        Assert.True(await theirs.EndsAsync());
        api.Session.Begin(RuntimeApiFixture.Invocation("\"mine\""));
        Assert.Equal("\"mine\"", (await ours.ReadAsync()).Body);
    }

    private async Task RefusedAsync(HttpStatusCode status, string type, string message, string path, string body) =>
        Assert.Equal((status, $$"""{"errorMessage":"{{message}}","errorType":"{{type}}"}"""), await api.PostAsync(path, body));
}

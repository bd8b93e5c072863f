using System.Text;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Topology;
using FaasCluster.Processes;
using Microsoft.AspNetCore.Http;

namespace FaasCluster.Cli.Tests.Invoking;

public sealed class InvokeTests
{
    private const string Route = "POST /api/functions/hello/invocations";

    [Fact]
    public async Task Invoke_Piped_PrintsThePayloadAndNothingElse()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        byte[] payload = [0, 255, 10, 13, 0];
        cluster.On(Route, context => AnswerAsync(context, payload));
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(payload, run.OutputBytes);
        Assert.Equal("", run.Error);
        // The record is asked for only where it is shown.
        Assert.Single(cluster.Requests);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Invoke_OnATerminalOrVerbose_ShowsTimesMemoryPriceAndId(bool onTerminal, bool verbose)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context => AnswerAsync(context, "{}"u8.ToArray())).On($"GET /api/invocations/{Documents.InvocationId}", Documents.Invocation());
        using var run = new CommandRun(cluster) { OnTerminal = onTerminal };

        await run.RunAsync(["invoke", "hello", .. verbose ? new[] { "-v" } : []]);

        Assert.Equal(
            $"ok  cold  queue 0.6 ms  start 2.1 ms  run 0.3 ms  18 MB  0.0000002 $  {Documents.InvocationId}  trace 4bf92f3577b34da6a3ce929d0e0e4736\n", run.Error);
        Assert.Equal(onTerminal ? "{}\n" : "{}", run.Output);
    }

    [Fact]
    public async Task Invoke_RecordMissing_StillShowsWhatTheAnswerSays()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context => AnswerAsync(context, "{}"u8.ToArray()));
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello", "-v");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal($"ok  cold  queue 0.6 ms  start 2.1 ms  run 0.3 ms  {Documents.InvocationId}\n", run.Error);
    }

    [Theory]
    [InlineData("""{"a": 1}""", "application/json")]
    [InlineData("5", "application/json")]
    [InlineData("plain text", "application/octet-stream")]
    public async Task Invoke_Data_IsSentWithItsType(string data, string type)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        var seen = "";
        cluster.On(Route, context =>
        {
            seen = context.Request.ContentType;
            return AnswerAsync(context, []);
        });
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello", "-d", data);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(type, seen);
        Assert.Equal(data, Encoding.UTF8.GetString(cluster.Bodies.Last()));
    }

    [Theory]
    [InlineData("@event.bin")]
    [InlineData("-")]
    public async Task Invoke_DataOfAFileOrInput_IsSentAsItIs(string data)
    {
        byte[] bytes = [1, 0, 254];
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context => AnswerAsync(context, []));
        using var run = new CommandRun(cluster) { Input = bytes }.WithFile("event.bin", bytes);

        await run.RunAsync("invoke", "hello", "-d", data, "-t", "image/jpeg");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(bytes, cluster.Bodies.Last());
    }

    [Fact]
    public async Task Invoke_FunctionFailed_EndsWith1AndShowsItsError()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, async context =>
        {
            Head(context);
            context.Response.StatusCode = 502;
            context.Response.ContentType = Problem.MediaType;
            context.Response.Headers[HeaderNames.Error] = "function_error";
            await context.Response.WriteAsync(
                $$"""
                {"type": "about:blank", "title": "The function raised an error.", "status": 502, "code": "function_error", "fault": "function",
                 "detail": "no name given", "errorType": "ValueError", "stackTrace": ["app.py:3 in hello"], "invocationId": "{{Documents.InvocationId}}"}
                """);
        });
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello", "-v");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains("Error: The function raised an error. (function_error)", run.Error);
        Assert.Contains("ValueError: no name given", run.Error);
        Assert.Contains("app.py:3 in hello", run.Error);
        Assert.Contains($"faas logs {Documents.InvocationId}", run.Error);
        Assert.Contains("function_error  cold  queue 0.6 ms", run.Error);
    }

    [Fact]
    public async Task Invoke_FunctionAnswersAnErrorStatus_PrintsItsWordsAndEndsWith1()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context =>
        {
            context.Response.StatusCode = 404;
            return AnswerAsync(context, "no such picture"u8.ToArray());
        });
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("no such picture", run.Output);
    }

    [Fact]
    public async Task Invoke_ControlCharactersInAnError_DoNotReachTheTerminal()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context => Problems.WriteAsync(context, 502, "function_error", "function", "It failed.", "\e]0;owned\a\e[2J"));
        using var run = new CommandRun(cluster) { OnTerminal = true };

        await run.With("NO_COLOR", "1").RunAsync("invoke", "hello");

        Assert.DoesNotContain('\e', run.Error);
        Assert.DoesNotContain('\a', run.Error);
    }

    [Fact]
    public async Task Invoke_NoAnswerInTime_EndsWith3()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello", "--timeout", "1");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("did not answer within 1.0 s", run.Error);
    }

    [Fact]
    public async Task Invoke_TakesOverASecondOnATerminal_ShowsASpinner()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = new CommandRun(cluster) { OnTerminal = true };
        cluster.On(Route, async context =>
        {
            // Answered when it is seen.
            await Until.TrueAsync(() => run.Error.Contains("Calling hello ", StringComparison.Ordinal), "there is a spinner");
            await AnswerAsync(context, []);
        });

        await run.RunAsync("invoke", "hello");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches("Calling hello [1-9][0-9]* s", run.Error);
    }

    [Fact]
    public async Task Invoke_AsJson_PrintsTheRecord()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, context => AnswerAsync(context, "{}"u8.ToArray())).On($"GET /api/invocations/{Documents.InvocationId}", Documents.Invocation());
        using var run = await new CommandRun(cluster).RunAsync("invoke", "hello", "-o", "json");

        Assert.Contains($"\"id\": \"{Documents.InvocationId}\"", run.Output);
        Assert.Contains("\"queueMs\": 0.6", run.Output);
    }

    [Fact]
    public async Task Invoke_NameWithASlash_StaysOneSegment()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster).RunAsync("invoke", "../status");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("POST /api/functions/..%2Fstatus/invocations", cluster.Requests.Single());
    }

    private static Task AnswerAsync(HttpContext context, byte[] payload)
    {
        Head(context);
        return context.Response.Body.WriteAsync(payload).AsTask();
    }

    private static void Head(HttpContext context)
    {
        context.Response.Headers[HeaderNames.InvocationId] = Documents.InvocationId.ToString();
        context.Response.Headers[HeaderNames.Start] = "cold";
        context.Response.Headers["Server-Timing"] = "queue;dur=0.6, start;dur=2.1, init;dur=0, run;dur=0.3";
    }
}

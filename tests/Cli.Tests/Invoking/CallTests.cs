using System.Text.Json;
using FaasCluster.Contracts.Api;
using Microsoft.AspNetCore.Http;

namespace FaasCluster.Cli.Tests.Invoking;

public sealed class CallTests
{
    private const string Route = "POST /api/functions/hello/invocations";
    private static readonly string Record = $"GET /api/invocations/{Documents.InvocationId}";
    private static readonly AcceptedDescription Accepted = new() { Id = Documents.InvocationId, Location = $"/api/invocations/{Documents.InvocationId}" };

    [Fact]
    public async Task Call_Accepted_PrintsTheId()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        string? preference = null;
        string? callback = null;
        cluster.On(Route, context =>
        {
            preference = context.Request.Headers["Prefer"];
            callback = context.Request.Headers["Faas-Callback-Url"];
            context.Response.StatusCode = 202;
            return context.Response.WriteAsync(JsonSerializer.Serialize(Accepted, ApiJson.Default.AcceptedDescription));
        });
        using var run = await new CommandRun(cluster).RunAsync("call", "hello", "-d", "{}", "--callback", "https://example.com/hook");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal($"{Documents.InvocationId}\n", run.Output);
        Assert.Equal(("respond-async", "https://example.com/hook"), (preference, callback));
    }

    [Theory]
    [InlineData("Faas-Delay", "2h", "--delay", "2h")]
    [InlineData("Faas-At", "2026-03-01T12:00:00Z", "--at", "2026-03-01T12:00:00Z")]
    [InlineData("Idempotency-Key", "order-4711", "--idempotency-key", "order-4711")]
    [InlineData("Idempotency-Key", "order-4711", "-k", "order-4711")]
    public async Task Call_WithTerms_SendsThemAsHeaders(string header, string value, params string[] options)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        string? sent = null;
        cluster.On(Route, context =>
        {
            sent = context.Request.Headers[header];
            context.Response.StatusCode = 202;
            return context.Response.WriteAsync(JsonSerializer.Serialize(Accepted, ApiJson.Default.AcceptedDescription));
        });
        using var run = await new CommandRun(cluster).RunAsync(["call", "hello", .. options]);

        Assert.Equal((0, value), (run.ExitCode, sent));
    }

    [Theory]
    [InlineData("exclude", "--delay", "1h", "--at", "2026-03-01T12:00:00Z")]
    [InlineData("--delay", "--delay", "")]
    [InlineData("--at", "--at", "a\nb")]
    [InlineData("--idempotency-key", "--idempotency-key", "two words")]
    public async Task Call_WithTermsThatCannotBeSent_IsAUsageError(string word, params string[] options)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster).RunAsync(["call", "hello", .. options]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(word, run.Error);
        Assert.Empty(cluster.Requests);
    }

    [Fact]
    public async Task Call_Wait_AsksUntilItEndedAndPrintsTheAnswer()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        string[] states = ["queued", "running", "succeeded"];
        var asked = 0;
        cluster.On(Route, Accepted, 202).On(Record, context =>
        {
            var state = states[Math.Min(asked++, 2)];
            var result = state == "succeeded" ? new ResultDescription { ContentType = "application/json", Text = "{\"a\":1}" } : null;
            return context.Response.WriteAsync(JsonSerializer.Serialize(Documents.Invocation(state, result: result), ApiJson.Default.InvocationDescription));
        });
        using var run = await new CommandRun(cluster).RunAsync("call", "hello", "--wait");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("{\"a\":1}", run.Output);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task Call_WaitForBinary_PrintsItsBytes()
    {
        byte[] bytes = [0, 1, 255];
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, Accepted, 202)
            .On(Record, Documents.Invocation(result: new ResultDescription { ContentType = "image/jpeg", Base64 = Convert.ToBase64String(bytes) }));
        using var run = await new CommandRun(cluster).RunAsync("call", "hello", "--wait");

        Assert.Equal(bytes, run.OutputBytes);
    }

    [Theory]
    [InlineData("failed", "function_error")]
    [InlineData("expired", "expired")]
    [InlineData("lost", "worker_lost")]
    [InlineData("cancelled", "cancelled")]
    public async Task Call_WaitForAFailure_EndsWith1AndSaysHow(string state, string code)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, Accepted, 202)
            .On(Record, Documents.Invocation(state, new ErrorDescription { Code = code, Fault = "function", Message = "It went wrong." }));
        using var run = await new CommandRun(cluster).RunAsync("call", "hello", "--wait");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"({code})", run.Error);
        Assert.Contains("It went wrong.", run.Error);
    }

    [Fact]
    public async Task Call_WaitTooLong_EndsWith3()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Route, Accepted, 202).On(Record, Documents.Invocation("queued"));
        using var run = await new CommandRun(cluster).RunAsync("call", "hello", "--wait", "--timeout", "1");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("still queued", run.Error);
    }
}

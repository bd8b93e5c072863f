using System.Text.Json;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Tests.Records;

public sealed class RecordCommandTests
{
    [Fact]
    public async Task Cancel_Open_SaysThatItIsCancelled()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"POST /api/invocations/{Documents.InvocationId}/cancel", Documents.Invocation("cancelled"));
        using var run = await new CommandRun(cluster).RunAsync("cancel", $"{Documents.InvocationId}");

        Assert.Equal((0, $"{Documents.InvocationId}  cancelled\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Cancel_Ended_FailsAndNamesTheState()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"POST /api/invocations/{Documents.InvocationId}/cancel", context => Problems.WriteAsync(context, 409, "conflict", "caller", "No.", "it is succeeded"));
        using var run = await new CommandRun(cluster).RunAsync("cancel", $"{Documents.InvocationId}");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("it is succeeded", run.Error);
    }

    private static readonly string Logs = $"GET /api/invocations/{Documents.InvocationId}/logs";

    [Fact]
    public async Task Invocations_Filters_AreAskedForAsGiven()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(
            "GET /api/invocations?function=hello&state=failed&since=1h&limit=5",
            new Page<InvocationDescription> { Items = [Documents.Invocation("failed", new ErrorDescription { Code = "timeout", Fault = "function" })] });
        using var run = await new CommandRun(cluster).RunAsync("invocations", "hello", "--status", "failed", "--since", "1h", "-n", "5");

        Assert.Equal("", run.Error);
        Assert.Matches($@"(?m)^{Documents.InvocationId}  hello +1  failed  asynchronous +1  .*  1\.2 s  timeout$", run.Output);
    }

    [Fact]
    public async Task Invocations_OfAnId_ShowsItsCauseAndWhomItsEndWasTold()
    {
        var (cause, caused) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"GET /api/invocations/{Documents.InvocationId}", Documents.Invocation() with
        {
            CausedBy = cause,
            Depth = 2,
            Dispatches =
            [
                new() { InvocationId = Documents.InvocationId, Function = "hello", Kind = "function", Target = "audit", State = "delivered", Attempts = 1, CreatedAt = Documents.Noon, BecameInvocation = caused },
                new() { InvocationId = Documents.InvocationId, Function = "hello", Kind = "callback", Target = "https://example.com/hook", State = "dead", Attempts = 7, CreatedAt = Documents.Noon, LastError = "Status 500." },
            ],
        });
        using var run = await new CommandRun(cluster).RunAsync("invocations", $"{Documents.InvocationId}");

        Assert.Equal("", run.Error);
        Assert.Contains($"Caused by    {cause}, depth 2\n", run.Output);
        Assert.Contains($"Told to      function audit, delivered (1 attempt), invocation {caused}\n", run.Output);
        Assert.Contains("Told to      callback https://example.com/hook, dead (7 attempts): Status 500.\n", run.Output);
    }

    [Fact]
    public async Task Dispatches_Filters_AreAskedForAsGiven()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/dispatches?function=hello&state=dead&limit=5", new Page<DispatchDescription> { Items = [Dead("callback")] });
        using var run = await new CommandRun(cluster).RunAsync("dispatches", "hello", "--state", "dead", "-n", "5");

        Assert.Equal("", run.Error);
        Assert.Matches($@"(?m)^{Documents.InvocationId}  hello +callback  https://example\.com/hook  dead +7  .* Status 500\.$", run.Output);
    }

    [Fact]
    public async Task Resend_OfAnInvocation_SendsAgainWhatIsDead()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"GET /api/invocations/{Documents.InvocationId}", Documents.Invocation() with
        {
            Dispatches = [Dead("queue") with { State = "delivered" }, Dead("callback")],
        });
        cluster.On($"POST /api/dispatches/{Documents.InvocationId}/callback/resend", Dead("callback") with { State = "waiting" });
        using var run = await new CommandRun(cluster).RunAsync("resend", $"{Documents.InvocationId}");

        Assert.Equal("", run.Error);
        Assert.Equal($"{Documents.InvocationId}  callback https://example.com/hook  waiting\n", run.Output);
    }

    [Fact]
    public async Task Resend_OfWhatWasTold_SaysSo()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"GET /api/invocations/{Documents.InvocationId}", Documents.Invocation());
        using var run = await new CommandRun(cluster).RunAsync("resend", $"{Documents.InvocationId}");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("Nothing about", run.Error);
    }

    private static DispatchDescription Dead(string kind) => new()
    {
        InvocationId = Documents.InvocationId,
        Function = "hello",
        Kind = kind,
        Target = "https://example.com/hook",
        State = "dead",
        Attempts = 7,
        CreatedAt = Documents.Noon,
        LastError = "Status 500.",
    };

    [Fact]
    public async Task Invocations_LimitOverAPage_AsksForTheRest()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        var page = Enumerable.Repeat(Documents.Invocation(), 100).ToList();
        cluster.On("GET /api/invocations?limit=100", new Page<InvocationDescription> { Items = page, Next = "x" })
            .On("GET /api/invocations?limit=50&cursor=x", new Page<InvocationDescription> { Items = page[..50], Next = "y" });
        using var run = await new CommandRun(cluster).RunAsync("invocations", "-n", "150");

        Assert.Equal(151, run.Output.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public async Task Logs_OfAnInvocation_AreItsLines()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Logs, new Page<LogLineDescription> { Items = [Line("stdout", "one"), Line("stderr", "two")] });
        using var run = await new CommandRun(cluster).RunAsync("logs", Documents.InvocationId.ToString());

        var lines = run.Output.TrimEnd().Split('\n');
        Assert.EndsWith("stdout    one", lines[0]);
        Assert.EndsWith("stderr    two", lines[1]);
    }

    [Fact]
    public async Task Logs_OfAFunction_AreThoseOfItsLastInvocationsOldestFirst()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        var older = Documents.Invocation() with { Id = Guid.Parse("0195a3c2-7b1e-7c3d-9f00-2b6f6f0f8a00") };
        cluster.On("GET /api/functions/hello", Documents.Function())
            .On("GET /api/invocations?function=hello&limit=2", new Page<InvocationDescription> { Items = [Documents.Invocation(), older], Next = "more" })
            .On(Logs, new Page<LogLineDescription> { Items = [Line("stdout", "new")] })
            .On($"GET /api/invocations/{older.Id}/logs", new Page<LogLineDescription> { Items = [Line("stdout", "old")] });
        using var run = await new CommandRun(cluster).RunAsync("logs", "hello", "-n", "2");

        var lines = run.Output.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.EndsWith($"{older.Id}  stdout    old", lines[0]);
        Assert.EndsWith($"{Documents.InvocationId}  stdout    new", lines[1]);
    }

    [Fact]
    public async Task Logs_OfAnUnknownFunction_EndWith2()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster).RunAsync("logs", "helo");

        Assert.Equal(2, run.ExitCode);
    }

    [Fact]
    public async Task Logs_ControlCharacters_DoNotReachTheTerminal()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On(Logs, new Page<LogLineDescription> { Items = [Line("stdout", "a\e[31mred\a\u009b2J")] });
        using var run = await new CommandRun(cluster).RunAsync("logs", Documents.InvocationId.ToString());

        Assert.Contains("a\u241b[31mred", run.Output);
        Assert.DoesNotContain('\u009b', run.Output);
    }

    [Fact]
    public async Task Usage_Report_EndsWithTheTotal()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/usage?since=7d", new UsageReport
        {
            Since = Documents.Noon,
            Until = Documents.Noon.AddDays(7),
            Currency = "EUR",
            Functions = [Line("a", 10, 0.000125m, 0.000002m), Line("b", 5, 0.5m, 0.00001m)],
        });
        using var run = await new CommandRun(cluster).RunAsync("usage", "--since", "7d");

        var total = run.Output.TrimEnd().Split('\n')[^1];
        Assert.Matches(@"^total +15 +2 +2 +2\.0 s +0\.500125  0\.000012 EUR$", total);
    }

    [Fact]
    public async Task Usage_Json_IsTheDocumentOfTheApi()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        var report = new UsageReport { Since = Documents.Noon, Until = Documents.Noon, Currency = "USD", Functions = [Line("a", 1, 1, 1)] };
        cluster.On("GET /api/usage", report);
        using var run = await new CommandRun(cluster).RunAsync("usage", "-o", "json");

        Assert.Equal("a", JsonSerializer.Deserialize(run.Output, ApiJson.Default.UsageReport)!.Functions.Single().Function);
    }

    private static LogLineDescription Line(string stream, string text) => new() { Time = Documents.Noon, Attempt = 1, Stream = stream, Text = text };

    private static UsageLine Line(string function, long attempts, decimal gbSeconds, decimal cost) =>
        new() { Function = function, Attempts = attempts, Errors = 1, ColdStarts = 1, BilledMs = 1000, GbSeconds = gbSeconds, Cost = cost };
}

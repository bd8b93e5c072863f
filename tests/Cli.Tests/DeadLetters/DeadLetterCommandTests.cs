using System.Text.Json;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Tests.DeadLetters;

public sealed class DeadLetterCommandTests
{
    private static readonly Guid Made = Guid.Parse("0195a3c2-7b1e-7c3d-9f00-2b6f6f0f8a12");
    private static readonly string One = $"/api/dead-letters/{Documents.InvocationId}";

    [Fact]
    public async Task List_Filters_AreAskedForAsGiven()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/dead-letters?function=hello&state=all&since=1d&until=1h&limit=5", new Page<DeadLetterDescription> { Items = [Letter()] });
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "list", "hello", "--state", "all", "--since", "1d", "--until", "1h", "-n", "5");

        Assert.Equal("", run.Error);
        Assert.Matches($@"(?m)^{Documents.InvocationId}  hello +4  open   failed +2  .*  function_error$", run.Output);
    }

    [Fact]
    public async Task List_WithoutAFilter_AsksForTheOpenOnes()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/dead-letters?state=open&limit=20", new Page<DeadLetterDescription> { Items = [Letter()] });
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "list", "-o", "json");

        Assert.Equal(Documents.InvocationId, Assert.Single(JsonSerializer.Deserialize(run.Output, ApiJson.Default.PageDeadLetterDescription)!.Items).Id);
    }

    [Fact]
    public async Task Show_Letter_TellsReasonAttemptsAndEvent()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"GET {One}", Letter() with
        {
            Attempts = Documents.Invocation().Attempts,
            Event = new EventDescription { Bytes = 7, ContentType = "application/json", Method = "POST", Path = "/a?x=1", Text = "{\"a\":1\e}", Location = "/x" },
        });
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "show", $"{Documents.InvocationId}");

        Assert.Equal("", run.Error);
        Assert.Matches(@"(?m)^Reason +failed \(function_error\)$", run.Output);
        Assert.Matches(@"(?m)^Error +ValueError: no width$", run.Output);
        Assert.Matches(@"(?m)^Attempt 1 .*  ok  run 0\.3 ms  worker-1$", run.Output);
        Assert.Matches(@"(?m)^Event +POST  /a\?x=1  application/json  7 B$", run.Output);
        Assert.EndsWith("\n{\"a\":1\u241b}\n", run.Output);
    }

    [Fact]
    public async Task Show_Redriven_NamesTheNewInvocation()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"GET {One}", Letter() with { State = "redriven", SettledAt = Documents.Noon, RedrivenAs = Made });
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "show", $"{Documents.InvocationId}");

        Assert.Matches($"(?m)^State +redriven as {Made} at ", run.Output);
        Assert.Contains("cannot be re-driven", run.Output);
    }

    [Fact]
    public async Task Redrive_One_PrintsTheNewId()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"POST {One}/redrive?revision=3", Accepted, 202);
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "redrive", $"{Documents.InvocationId}", "--revision", "3");

        Assert.Equal((0, $"{Made}\n", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task Redrive_Wait_PrintsTheAnswerOfTheNewInvocation()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"POST {One}/redrive", Accepted, 202)
            .On($"GET /api/invocations/{Made}", Documents.Invocation(result: new ResultDescription { ContentType = "text/plain", Text = "done" }));
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "redrive", $"{Documents.InvocationId}", "--wait");

        Assert.Equal((0, "done"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Redrive_SettledAlready_EndsWith2AndSaysWhatBecameOfIt()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"POST {One}/redrive", context => Problems.WriteAsync(context, 409, "conflict", "caller", "No.", $"re-driven already, as {Made}"));
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "redrive", $"{Documents.InvocationId}");

        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains($"re-driven already, as {Made}", run.Error);
    }

    [Fact]
    public async Task Redrive_ByFilter_GoesOnToTheLastBatchAndNamesWhatIsLeft()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        var (second, third) = (Guid.NewGuid(), Guid.NewGuid());
        cluster
            .On("POST /api/dead-letters/redrive?function=hello&since=1d&revision=3", new DeadLetterReport
            {
                Count = 1,
                Redriven = [new RedriveDescription { Of = Documents.InvocationId, Id = Made }],
                Skipped = [new SkippedDescription { Id = third, Reason = "Its event is not there." }],
                Next = "x",
            })
            .On("POST /api/dead-letters/redrive?function=hello&since=1d&revision=3&cursor=x", new DeadLetterReport
            {
                Count = 1,
                Redriven = [new RedriveDescription { Of = second, Id = second }],
            });
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "redrive", "-f", "hello", "--since", "1d", "-r", "3");

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(3, run.Output.TrimEnd().Split('\n').Length);
        Assert.Contains($"{Documents.InvocationId}  {Made}", run.Output);
        Assert.Contains($"{third} stays open: Its event is not there.", run.Error);
        using var json = await new CommandRun(cluster).RunAsync("dead-letters", "redrive", "-f", "hello", "--since", "1d", "-r", "3", "-o", "json");
        var report = JsonSerializer.Deserialize(json.Output, ApiJson.Default.DeadLetterReport)!;
        Assert.Equal((2, 2, 1), (report.Count, report.Redriven!.Count, report.Skipped.Count));
    }

    [Fact]
    public async Task Redrive_All_SaysSoToTheApi()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/dead-letters/redrive?until=0s", new DeadLetterReport { Count = 0, Redriven = [] });
        using var run = await new CommandRun(cluster).RunAsync("dead-letters", "redrive", "--all");

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Discard_OneAndByFilter_SaysHowMany()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"DELETE {One}", context =>
        {
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        }).On("DELETE /api/dead-letters?function=hello", new DeadLetterReport { Count = 100, Next = "x" })
            .On("DELETE /api/dead-letters?function=hello&cursor=x", new DeadLetterReport { Count = 7 });
        using var one = await new CommandRun(cluster).RunAsync("dead-letters", "discard", $"{Documents.InvocationId}");
        using var many = await new CommandRun(cluster).RunAsync("dead-letters", "discard", "--function", "hello", "--yes");

        Assert.Equal((0, $"{Documents.InvocationId}  discarded\n"), (one.ExitCode, one.Output));
        Assert.Equal((0, "107 discarded\n"), (many.ExitCode, many.Output));
    }

    [Fact]
    public async Task Discard_ByFilterWithoutYes_AsksAndTakesNoForNo()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster) { OnTerminal = true, Input = "n\n"u8.ToArray() }.RunAsync("dead-letters", "discard", "--all");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("[y/N]", run.Error);
        Assert.Empty(cluster.Requests);
    }

    [Fact]
    public async Task Replay_Options_AreSentAsGiven()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On($"POST /api/invocations/{Documents.InvocationId}/replay?revision=2&destinations=suppress", Accepted, 202);
        using var run = await new CommandRun(cluster).RunAsync("replay", $"{Documents.InvocationId}", "--revision", "2", "--no-destinations", "-o", "json");

        Assert.Equal("", run.Error);
        Assert.Equal(Made, JsonSerializer.Deserialize(run.Output, ApiJson.Default.AcceptedDescription)!.Id);
    }

    private static AcceptedDescription Accepted => new() { Id = Made, Location = $"/api/invocations/{Made}" };

    private static DeadLetterDescription Letter() => new()
    {
        Id = Documents.InvocationId,
        Function = "hello",
        Revision = 4,
        State = "open",
        Reason = "failed",
        Attempt = 2,
        AcceptedAt = Documents.Noon,
        EndedAt = Documents.Noon.AddSeconds(3),
        Error = new ErrorDescription { Code = "function_error", Fault = "function", Type = "ValueError", Message = "no width" },
    };
}

using System.Text;
using System.Text.Json;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Tests.Functions;

public sealed class FunctionCommandTests
{
    [Fact]
    public async Task List_SeveralPages_AreOneList()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions?limit=100", new Page<FunctionDescription> { Items = [Documents.Function("a"), Documents.Function("b")], Next = "b&c" })
            .On("GET /api/functions?limit=100&cursor=b%26c", new Page<FunctionDescription> { Items = [Documents.Function("c")] });
        using var run = await new CommandRun(cluster).RunAsync("list");

        var lines = run.Output.TrimEnd().Split('\n');
        Assert.StartsWith("NAME  REVISION  RUNTIME", lines[0]);
        Assert.Equal(["a", "b", "c"], lines[1..].Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public async Task List_Piped_IsPlainTextWithoutColours()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        var name = new string('x', 64);
        cluster.On("GET /api/functions", new Page<FunctionDescription> { Items = [Documents.Function(name)] });
        using var run = await new CommandRun(cluster).RunAsync("list");

        Assert.DoesNotContain('\e', run.Output);
        // One line, however long.
        Assert.Equal(2, run.Output.TrimEnd().Split('\n').Length);
        Assert.Contains($"http://127.0.0.1:8080/fn/{name}", run.Output);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("1", false)]
    public async Task List_OnATerminal_HasColoursUnlessNoColor(string? noColor, bool colours)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", new Page<FunctionDescription> { Items = [Documents.Function()] });
        using var run = new CommandRun(cluster) { OnTerminal = true };

        await run.With("NO_COLOR", noColor).RunAsync("list");

        Assert.Equal(colours, run.Output.Contains('\e'));
        Assert.Contains("hello", run.Output);
    }

    [Fact]
    public async Task List_Json_IsTheDocumentOfTheApi()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", new Page<FunctionDescription> { Items = [Documents.Function()] });
        using var run = await new CommandRun(cluster).RunAsync("list", "-o", "json");

        var page = JsonSerializer.Deserialize(run.Output, ApiJson.Default.PageFunctionDescription)!;
        Assert.Equal("hello", page.Items.Single().Name);
    }

    [Fact]
    public async Task Describe_Function_ShowsTheThreeDeadlinesAndWhoMayCall()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions/hello", Documents.Function());
        using var run = await new CommandRun(cluster).RunAsync("describe", "hello");

        Assert.Contains("wait 30.0 s, init 10.0 s, run 30.0 s", run.Output);
        Assert.Contains("anyone", run.Output);
        Assert.Contains("SIZE", run.Output);
    }

    [Fact]
    public async Task Describe_Function_ShowsItsLimits()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions/hello", Documents.Function());
        cluster.On("GET /api/functions/limited", Documents.Function("limited") with { Concurrency = 5, QueueLimit = 1_000 });
        using var free = await new CommandRun(cluster).RunAsync("describe", "hello");
        using var limited = await new CommandRun(cluster).RunAsync("describe", "limited");

        Assert.Contains("no limit\n", free.Output);
        Assert.Contains("at most 5 at once in the cluster", limited.Output);
        Assert.Contains("at most 1000 wait", limited.Output);
    }

    [Fact]
    public async Task Delete_Yes_Deletes()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("DELETE /api/functions/hello", context =>
        {
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        });
        using var run = await new CommandRun(cluster).RunAsync("delete", "hello", "--yes");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("hello  deleted\n", run.Output);
    }

    [Theory]
    [InlineData("y\n", 1)]
    [InlineData("n\n", 0)]
    [InlineData("", 0)]
    public async Task Delete_AtATerminal_AsksFirst(string answer, int requests)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("DELETE /api/functions/hello", context =>
        {
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        });
        using var run = new CommandRun(cluster) { OnTerminal = true, Input = Encoding.UTF8.GetBytes(answer) };

        await run.RunAsync("delete", "hello");

        Assert.Contains("Delete 'hello'", run.Error);
        Assert.Equal(requests, cluster.Requests.Count);
        Assert.Equal(requests == 1 ? 0 : 2, run.ExitCode);
    }
}

using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Processes;
using Microsoft.AspNetCore.Http;

namespace FaasCluster.Cli.Tests.Connections;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Context_Nowhere_EndsWith3AndSaysWhatToDo()
    {
        using var run = await new CommandRun().RunAsync("list");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("./run", run.Error);
        Assert.Contains("FAAS_URL", run.Error);
    }

    [Theory]
    [InlineData(null, ".config/faas/config.json")]
    [InlineData("xdg", "xdg/faas/config.json")]
    public async Task Context_SavedByRun_IsUsed(string? configurationHome, string file)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", new Page<FunctionDescription> { Items = [] });
        using var run = new CommandRun();
        run.With("XDG_CONFIG_HOME", configurationHome is null ? null : Path.Combine(run.Directory, configurationHome));
        run.WithFile(file, $$"""{"url": "{{cluster.Url}}", "key": "{{ScriptedCluster.Key}}"}""");

        await run.RunAsync("list");

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Context_SavedKeyAndAnotherUrl_IsNotSentThere()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = new CommandRun().With("FAAS_URL", cluster.Url);
        run.WithFile(".config/faas/config.json", $$"""{"url": "http://127.0.0.1:1", "key": "{{ScriptedCluster.Key}}"}""");

        await run.RunAsync("list");

        // The scripted cluster answers 401 to whoever comes without its key: had the key been sent, it would be 404.
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("Set FAAS_KEY", run.Error);
    }

    [Fact]
    public async Task Context_SameUrlWithoutKey_TakesTheSavedKey()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", new Page<FunctionDescription> { Items = [] });
        using var run = new CommandRun().With("FAAS_URL", cluster.Url);
        run.WithFile(".config/faas/config.json", $$"""{"url": "{{cluster.Url}}/", "key": "{{ScriptedCluster.Key}}"}""");

        await run.RunAsync("list");

        Assert.Equal(0, run.ExitCode);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"url": 5}""")]
    [InlineData("""{"url": "ftp://somewhere"}""")]
    public async Task Context_DamagedFile_EndsWith2AndNamesIt(string content)
    {
        using var run = new CommandRun().WithFile(".config/faas/config.json", content);

        await run.RunAsync("list");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("config.json", run.Error);
    }

    [Fact]
    public async Task Key_WithANewline_IsRefusedBeforeItIsSent()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster).With("FAAS_KEY", "abc\r\nX-Evil: 1").RunAsync("list");

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(cluster.Requests);
    }

    [Fact]
    public async Task Cluster_NotListening_EndsWith3AndSaysWhatToDo()
    {
        using var run = await new CommandRun().With("FAAS_URL", $"http://127.0.0.1:{FreePorts.Next()}").RunAsync("list");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("connection refused", run.Error);
        Assert.Contains("FAAS_URL", run.Error);
        Assert.DoesNotContain("   at ", run.Error);
    }

    [Fact]
    public async Task Cluster_UnknownHost_EndsWith3()
    {
        using var run = await new CommandRun().With("FAAS_URL", "http://nowhere.invalid").RunAsync("list");

        Assert.Equal(3, run.ExitCode);
    }

    [Fact]
    public async Task Key_Refused_EndsWith4()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster).With("FAAS_KEY", "faas_wrong_wrong_wrong").RunAsync("list");

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("FAAS_KEY", run.Error);
    }

    // code → exit code: the promise to scripts
    [Theory]
    [InlineData(403, "forbidden", 4)]
    [InlineData(404, "not_found", 2)]
    [InlineData(400, "validation_failed", 2)]
    [InlineData(422, "not_supported", 2)]
    [InlineData(409, "conflict", 2)]
    [InlineData(413, "payload_too_large", 2)]
    [InlineData(429, "throttled", 3)]
    [InlineData(429, "queue_full", 3)]
    [InlineData(503, "no_capacity", 3)]
    [InlineData(503, "broker_unavailable", 3)]
    [InlineData(503, "store_unavailable", 3)]
    [InlineData(504, "wait_timeout", 3)]
    [InlineData(500, "internal", 3)]
    [InlineData(502, "worker_lost", 3)]
    [InlineData(502, "function_error", 1)]
    [InlineData(504, "timeout", 1)]
    [InlineData(502, "out_of_memory", 1)]
    [InlineData(500, "a_code_of_a_later_version", 3)]
    [InlineData(418, "a_code_of_a_later_version", 2)]
    public async Task Problem_OfEveryKind_EndsWithItsExitCode(int status, string code, int exitCode)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", context => Problems.WriteAsync(context, status, code, "platform", "It did not work.", "This is why."));
        using var run = await new CommandRun(cluster).RunAsync("list");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains($"It did not work. ({code})", run.Error);
        Assert.Contains("This is why.", run.Error);
        // Nothing is retried silently.
        Assert.Single(cluster.Requests);
    }

    [Fact]
    public async Task Problem_WithFields_ShowsEach()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", new Problem
        {
            Title = "The request is not valid.",
            Status = 400,
            Code = "validation_failed",
            Fault = "caller",
            Errors = [new FieldError("memory", "'1' is out of range."), new FieldError("name", "is missing.")],
        }, 400);
        using var run = await new CommandRun(cluster).RunAsync("list");

        Assert.Contains("  memory: '1' is out of range.", run.Error);
        Assert.Contains("  name: is missing.", run.Error);
    }

    [Theory]
    [InlineData(200, "text/html", "<html>hello</html>")]
    [InlineData(200, "application/json", "null")]
    [InlineData(200, "application/json", """{"items": 5}""")]
    [InlineData(502, "text/html", "<h1>Bad Gateway</h1>")]
    [InlineData(301, "text/html", "")]
    [InlineData(500, "application/problem+json", "{")]
    public async Task Answer_OfSomethingElse_EndsWith3WithoutATrace(int status, string type, string body)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            context.Response.Headers.Location = "http://127.0.0.1:1/";
            return context.Response.WriteAsync(body);
        });
        using var run = await new CommandRun(cluster).RunAsync("list");

        Assert.Equal(3, run.ExitCode);
        Assert.DoesNotContain("   at ", run.Error);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task Answer_CutOff_EndsWith3()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("GET /api/functions", async context =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.WriteAsync("{");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        using var run = await new CommandRun(cluster).RunAsync("list");

        Assert.Equal(3, run.ExitCode);
    }
}

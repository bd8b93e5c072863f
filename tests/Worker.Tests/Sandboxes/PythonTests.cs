using System.Text.Json;

namespace FaasCluster.Worker.Tests.Sandboxes;

public sealed class PythonTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    [Fact]
    public async Task EventHandler_GetsEventAndContext()
    {
        var revision = fixture.Python("""
            import json, os
            def handler(event, context):
                return {"event": event, "id": context.aws_request_id, "name": context.function_name, "version": context.function_version,
                        "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn,
                        "cwd": os.getcwd(), "root": os.environ["LAMBDA_TASK_ROOT"], "env": os.environ["COLOUR"], "faas": os.environ["FAAS_FUNCTION_NAME"]}
            """, manifest => manifest with { Environment = new Dictionary<string, string> { ["COLOUR"] = "blau ü" } });
        await using var sandbox = await fixture.StartAsync(revision);
        var message = SandboxFixture.Message(revision, """{"name":"Ada","list":[1,2.5,null,true,"ü"]}""");
        var outcome = await sandbox.InvokeAsync(message, new TestLog(), CancellationToken.None);
        using var answer = JsonDocument.Parse(SandboxFixture.Text(outcome));
        var root = answer.RootElement;
        Assert.Equal("""{"name": "Ada", "list": [1, 2.5, null, true, "ü"]}""", root.GetProperty("event").GetRawText());
        Assert.Equal(message.InvocationId.ToString(), root.GetProperty("id").GetString());
        Assert.Equal("test", root.GetProperty("name").GetString());
        Assert.Equal("1", root.GetProperty("version").GetString());
        Assert.Equal("256", root.GetProperty("memory").GetString());
        Assert.InRange(root.GetProperty("left").GetInt32(), 20_000, 30_000);
        Assert.Equal("/var/task", root.GetProperty("cwd").GetString());
        Assert.Equal("/var/task", root.GetProperty("root").GetString());
        Assert.Equal("blau ü", root.GetProperty("env").GetString());
        Assert.Equal("application/json", outcome.Result!.ContentType);
        Assert.Null(outcome.Result.HttpStatus);
        Assert.True(sandbox.IsUsable);
    }
}

using System.Net;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Every way in which a function can go wrong ends in its own error code, within its limits, and hurts nobody else.</summary>
[Collection(SharedPlatforms.Definition.Name)]
public sealed class MisbehavingFunctionTests(SharedPlatforms platforms) : IDisposable
{
    public void Dispose() => platforms.Tell();

    private const string Wrong =
        """
        import os, sys, time
        def handler(event, context):
            what = event["what"]
            if what == "sleep":
                time.sleep(60)
            if what == "memory":
                held = []
                while True:
                    held.append(bytearray(8 << 20))
            if what == "fork":
                while True:
                    try:
                        os.fork()
                    except OSError:
                        time.sleep(0.01)
            if what == "print":
                line = "x" * 1023
                for _ in range(100 * 1024):
                    print(line)
            if what == "exit":
                os._exit(3)
            if what == "raise":
                raise ValueError("not today")
            return "done"
        """;

    [Theory]
    [InlineData("sleep", HttpStatusCode.GatewayTimeout, "timeout")]
    [InlineData("memory", HttpStatusCode.BadGateway, "out_of_memory")]
    [InlineData("fork", HttpStatusCode.GatewayTimeout, "timeout")]
    [InlineData("exit", HttpStatusCode.BadGateway, "process_exited")]
    [InlineData("raise", HttpStatusCode.BadGateway, "function_error")]
    public async Task Function_ThatGoesWrong_EndsInItsOwnCodeAndHurtsNobody(string what, HttpStatusCode status, string code)
    {
        var client = (await platforms.GetAsync("embedded")).Client;

        // Hundreds of processes need memory too: with little of it the bomb ends as out_of_memory before its time is up. The others
        // end by themselves, however busy the machine is.
        var memory = what == "fork" ? "4096MB" : "128MB";
        var timeout = status == HttpStatusCode.GatewayTimeout ? "2s" : "1m";
        await client.DeployFileAsync("app.py", Wrong, $"{{name: wrong-{what}, runtime: python3, handler: app.handler, timeout: {timeout}, memory: {memory}}}");
        await client.DeployFileAsync("app.py", "def handler(event, context):\n    return 'fine'\n", "{name: fine, runtime: python3, handler: app.handler}");
        using var before = await client.InvokeAsync("fine");
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        var running = client.InvokeAsync($"wrong-{what}", $$"""{"what":"{{what}}"}""");
        using var meanwhile = await client.InvokeAsync("fine");
        Assert.Equal(HttpStatusCode.OK, meanwhile.StatusCode);
        using var answer = await running;

        var problem = await FaasClient.ProblemAsync(answer, status);
        Assert.Equal(code, problem.Code);
        Assert.Equal("function", problem.Fault);
        var record = await client.EndOfAsync(FaasClient.IdOf(answer));
        Assert.Equal("failed", record.State);
        Assert.Equal(code, record.Error!.Code);
        Assert.True(Assert.Single(record.Attempts!).BilledMs > 0);

        // Two seconds are little on a busy machine: one that only takes long is no broken function.
        await Until.TrueAsync(
            async () =>
            {
                using var after = await client.InvokeAsync($"wrong-{what}", """{"what":"nothing"}""");
                return await after.Content.ReadAsStringAsync() == "\"done\"";
            },
            "the function answers again");
    }

    [Fact]
    public async Task Fault15_FunctionThatPrintsHundredMegabytes_SucceedsWithItsLogCut()
    {
        var client = (await platforms.GetAsync("embedded")).Client;
        await client.DeployFileAsync("app.py", Wrong, "{name: wrong-print, runtime: python3, handler: app.handler, timeout: 4m, memory: 128MB}");

        using var answer = await client.InvokeAsync("wrong-print", """{"what":"print"}""");

        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var id = (await client.EndOfAsync(FaasClient.IdOf(answer))).Id;
        IReadOnlyList<Contracts.Api.LogLineDescription> lines = [];
        await Until.TrueAsync(async () => (lines = await client.LogsAsync(id)).Count > 0, "the log is stored");
        Assert.True(lines.Sum(line => line.Text.Length) <= Contracts.Limits.LogBytes + 1000);
    }
}

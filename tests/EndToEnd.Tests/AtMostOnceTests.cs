using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>What <c>retries: never</c> promises when a worker is killed: no second run, and an end that says that it is lost.</summary>
[Collection(Serial.Name)]
public sealed class AtMostOnceTests
{
    private const string Slow =
        """
        import time
        def handler(event, context):
            time.sleep(event["seconds"])
            return context.attempt
        """;

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Fault01_WorkerKilledInMidRun_EndsAtMostOnceAsLostAndAtLeastOnceWell(string mode)
    {
        await using var platform = await Platform.StartAsync(mode, workers: 1);
        await platform.Client.DeployFileAsync("app.py", Slow, "{name: once, runtime: python3, handler: app.handler, retries: never, timeout: 10m}");
        await platform.Client.DeployFileAsync("app.py", Slow, "{name: again, runtime: python3, handler: app.handler}");
        // It would run for longer than the test takes, and is not run again.
        var once = (await platform.Client.CallAsync("once", """{"seconds":500}"""))!.Value;
        var again = (await platform.Client.CallAsync("again", """{"seconds":3}"""))!.Value;
        await Until.TrueAsync(async () => (await platform.Client.InvocationAsync(once)).State == "running", "it runs");

        await KillAndStartAsync(platform);

        var lost = await platform.Client.EndOfAsync(once);
        Assert.Equal(("lost", "worker_lost"), (lost.State, lost.Error!.Code));
        Assert.Equal(0, Assert.Single(lost.Attempts!).BilledMs);
        Assert.Equal("succeeded", (await platform.Client.EndOfAsync(again)).State);

        // The function itself is well: the next invocation runs.
        var next = await platform.Client.EndOfAsync((await platform.Client.CallAsync("once", """{"seconds":0}"""))!.Value);
        Assert.Equal(("succeeded", "1"), (next.State, next.Result!.Text));
    }

    private static async Task KillAndStartAsync(Platform platform)
    {
        if (platform is EmbeddedPlatform embedded)
        {
            await embedded.Host.KillAsync();
            await embedded.StartHostAsync();
        }
        else
        {
            var cluster = (ClusterPlatform)platform;
            await cluster.Workers[0].KillAsync();
            await cluster.StartWorkerAsync();
        }
    }
}

using System.Net;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>SIGTERM with work in flight: it is finished, nothing is lost, and the exit status is 0.</summary>
[Collection(Serial.Name)]
public sealed class DrainTests
{
    [Fact]
    public async Task Fault18_WorkerStoppedWhileItRuns_AnswersItsCallsAndExitsWithZero()
    {
        await using var platform = await ClusterPlatform.StartAsync(new Dictionary<string, string>(), workers: 1);
        await platform.Client.DeployFileAsync(
            "app.py", "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    return 'whole'\n", "{name: slow, runtime: python3, handler: app.handler}");
        using var warm = await platform.Client.InvokeAsync("slow", """{"s":0}""");
        Assert.Equal(HttpStatusCode.OK, warm.StatusCode);

        var running = platform.Client.InvokeAsync("slow", """{"s":2}""");
        var accepted = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => platform.Client.CallAsync("slow", """{"s":0.01}""")));
        var replacement = await platform.StartWorkerAsync();
        var status = await platform.Workers[0].StopAsync();

        using var answer = await running;
        Assert.Equal("\"whole\"", await answer.Content.ReadAsStringAsync());
        Assert.Equal(0, status);
        foreach (var id in accepted)
        {
            Assert.Equal("succeeded", (await platform.Client.EndOfAsync(id!.Value)).State);
        }

        Assert.False(replacement.HasExited);
    }
}

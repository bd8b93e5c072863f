using System.Net;
using System.Text;
using System.Text.Json;
using FaasCluster.Contracts.Api;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Cancelling what runs, what waits for its turn and what waits for its time.</summary>
[Collection(SharedPlatforms.Definition.Name)]
public sealed class CancellationTests(SharedPlatforms platforms) : IDisposable
{
    public void Dispose() => platforms.Tell();

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Cancel_OfWhatRunsAndOfWhatWaits_EndsThemAndFreesTheSlot(string mode)
    {
        // One slot: what comes behind runs only if the run that was cancelled is really over. 'never' shows it as running.
        var platform = await platforms.GetAsync(mode);
        await platform.Client.DeployFileAsync(
            "app.py",
            "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return 'done'\n",
            "{name: slow, runtime: python3, handler: app.handler, concurrency: 1, timeout: 10m, retries: never}");
        var running = await CallAsync(platform, 500);
        await Until.TrueAsync(async () => (await platform.Client.InvocationAsync(running)).State == "running", "it runs");
        var waiting = await CallAsync(platform, 0);
        var delayed = await CallAsync(platform, 0, ("Faas-Delay", "1h"));
        var behind = await CallAsync(platform, 0);

        foreach (var id in new[] { delayed, waiting, running })
        {
            using var answer = await platform.Client.Http.PostAsync($"/api/invocations/{id}/cancel", null);
            var cancelled = JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ApiJson.Default.InvocationDescription)!;
            Assert.Equal((HttpStatusCode.OK, "cancelled", "cancelled"), (answer.StatusCode, cancelled.State, cancelled.Error?.Code));
            Assert.Equal(0, Assert.Single(cancelled.Attempts!).BilledMs);
        }

        var ended = await platform.Client.EndOfAsync(behind);
        Assert.Equal("succeeded", ended.State);
        foreach (var id in new[] { delayed, waiting, running })
        {
            // Nothing that the worker did since has changed the record.
            var after = await platform.Client.InvocationAsync(id);
            Assert.Equal("cancelled", after.State);
            Assert.Single(after.Attempts!);
        }
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Fault05_GatewayKilledAfterTheAcceptance_KnowsTheKeyAndTheDelay(string mode)
    {
        await using var platform = await Platform.StartAsync(mode, workers: 1);
        await platform.Client.DeployFileAsync("app.py", "def handler(event, context):\n    return event\n", "{name: echo, runtime: python3, handler: app.handler}");
        var id = await CallAsync(platform, 1, ("Faas-Delay", "5s"), ("Idempotency-Key", "order-4711"));

        if (platform is EmbeddedPlatform embedded)
        {
            await embedded.Host.KillAsync();
            await embedded.StartHostAsync();
        }
        else
        {
            var cluster = (ClusterPlatform)platform;
            await cluster.Gateway.KillAsync();
            await cluster.StartGatewayAsync();
            await cluster.Gateway.WhenReadyAsync();
        }

        Assert.Equal(id, await CallAsync(platform, 1, ("Faas-Delay", "5s"), ("Idempotency-Key", "order-4711")));
        var ended = await platform.Client.EndOfAsync(id);
        Assert.Equal("succeeded", ended.State);
        Assert.True(Assert.Single(ended.Attempts!).StartedAt >= ended.AcceptedAt.AddSeconds(5), "it ran too early");
    }

    private static async Task<Guid> CallAsync(Platform platform, int seconds, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/functions/{(headers.Length == 2 ? "echo" : "slow")}/invocations")
        {
            Content = new StringContent($"{{\"seconds\":{seconds}}}", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Prefer", "respond-async");
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var answer = await platform.Client.Http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, body);
        return JsonSerializer.Deserialize(body, ApiJson.Default.AcceptedDescription)!.Id;
    }
}

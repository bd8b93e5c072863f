using System.Net;
using System.Text;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Answers that reach their caller while the function runs.</summary>
public sealed class StreamingTests
{
    private const string Endless =
        """
        import itertools, time
        def handler(request):
            def events():
                for i in itertools.count():
                    yield f"data: {i}\n\n"
                    time.sleep(0.01)
            return events(), {"Content-Type": "text/event-stream"}
        """;

    private const string Flood =
        """
        def handler(event, context):
            for i in range(event["megabytes"] * 16):
                yield bytes([i % 251]) * 65536
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Stream_ItsCallerReadsWhileItRuns_AndEndsItByLeaving(string mode)
    {
        await using var platform = await Platform.StartAsync(mode, workers: 1);
        var client = platform.Client;
        await client.DeployFileAsync("app.py", Endless, "{name: endless, runtime: python3, handler: app.handler, timeout: 10m}");

        // 1. It never ends by itself, so whatever arrives arrives before its end.
        Guid id;
        using (var answer = await client.Http.GetAsync("/fn/endless", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience))
        {
            id = FaasClient.IdOf(answer);
            Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            using var events = new StreamReader(await answer.Content.ReadAsStreamAsync());
            foreach (var expected in new[] { "data: 0", "", "data: 1", "", "data: 2" })
            {
                Assert.Equal(expected, await events.ReadLineAsync().WaitAsync(Patience));
            }

            Assert.Contains((await client.InvocationAsync(id)).State, new[] { "queued", "running" });
        }

        // 2. The caller has left.
        var ended = await client.EndOfAsync(id);
        Assert.Equal(("cancelled", "caller_left"), (ended.State, ended.Error?.Code));
        var attempt = Assert.Single(ended.Attempts!);
        Assert.InRange(attempt.RunMs, 20, 600_000);
        Assert.Equal((long)Math.Ceiling(Math.Round(attempt.InitMs + attempt.RunMs, 4)), attempt.BilledMs);
        Assert.Equal(attempt.Cost, Assert.Single((await client.UsageAsync()).Functions).Cost);

        // 3. A worker that dies in mid-stream leaves no answer that looks whole.
        if (platform is ClusterPlatform cluster)
        {
            using var answer = await client.Http.GetAsync("/fn/endless", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
            await using var body = await answer.Content.ReadAsStreamAsync();
            Assert.NotEqual(0, await body.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
            await cluster.Workers[0].KillAsync();
            await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null).WaitAsync(Patience));
            Assert.Equal("lost", (await client.EndOfAsync(FaasClient.IdOf(answer))).State);
        }
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Stream_CallersThatDoNotRead_HoldUpTheirFunctionAndNothingElse(string mode)
    {
        await using var platform = await Platform.StartAsync(mode, workers: 1);
        var client = platform.Client;
        await client.DeployFileAsync("app.py", Flood, "{name: flood, runtime: python3, handler: app.handler, timeout: 5m, memory: 128MB}");
        await client.DeployDirectoryAsync(Repository.Example("chatbot"));

        // 1. Four of them, 400 MB together, of whose answers nobody reads more than the head.
        var host = platform is ClusterPlatform cluster ? cluster.Gateway : ((EmbeddedPlatform)platform).Host;
        using (var first = await FloodAsync(client, 1))
        {
            Assert.Equal(1 << 20, (await first.Content.ReadAsByteArrayAsync()).Length);
        }

        var before = host.ResidentBytes();
        var slow = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => FloodAsync(client, 100)));

        // 2. Others do not notice, and the gateway holds a window of each and no more.
        for (var i = 0; i < 3; i++)
        {
            Assert.EndsWith("event: done\ndata: {\"words\":11}\n\n", await client.Http.GetStringAsync("/fn/chatbot/chat?say=I%20am%20tired").WaitAsync(Patience));
        }

        Assert.InRange(host.ResidentBytes() - before, long.MinValue, 128 << 20);
        foreach (var answer in slow)
        {
            Assert.Contains((await client.InvocationAsync(FaasClient.IdOf(answer))).State, new[] { "queued", "running" });
        }

        // 3. One that reads after all gets everything, and its end says that it is recorded and billed.
        using var whole = slow[0];
        await using var body = await whole.Content.ReadAsStreamAsync();
        var buffer = new byte[65536];
        for (var i = 0; i < 1600; i++)
        {
            await body.ReadExactlyAsync(buffer).AsTask().WaitAsync(Patience);
            Assert.Equal((byte)(i % 251), buffer[0]);
            Assert.Equal((byte)(i % 251), buffer[^1]);
        }

        Assert.Equal(0, await body.ReadAsync(buffer).AsTask().WaitAsync(Patience));
        var record = await client.InvocationAsync(FaasClient.IdOf(whole));
        var attempt = Assert.Single(record.Attempts!);
        Assert.Equal("succeeded", record.State);
        Assert.Equal((long)Math.Ceiling(Math.Round(attempt.InitMs + attempt.RunMs, 4)), attempt.BilledMs);

        // 4. The others leave.
        foreach (var answer in slow[1..])
        {
            answer.Dispose();
            Assert.Equal("caller_left", (await client.EndOfAsync(FaasClient.IdOf(answer))).Error?.Code);
        }
    }

    private static async Task<HttpResponseMessage> FloodAsync(FaasClient client, int megabytes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/functions/flood/invocations")
        {
            Content = new StringContent($"{{\"megabytes\":{megabytes}}}", Encoding.UTF8, "application/json"),
        };
        var answer = await client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        Assert.Equal((HttpStatusCode.OK, "application/octet-stream"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        return answer;
    }
}

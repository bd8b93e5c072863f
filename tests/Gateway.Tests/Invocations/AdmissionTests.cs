using System.Net;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Invocations;

public sealed class AdmissionTests(AdmissionTests.SmallGateway gateway) : IClassFixture<AdmissionTests.SmallGateway>
{
    public sealed class SmallGateway : EmbeddedGateway
    {
        protected override async Task<Dictionary<string, string?>?> PrepareAsync()
        {
            var settings = await base.PrepareAsync();
            settings!["Gateway:ConcurrentCalls"] = "2";
            settings["Gateway:BodyMemoryBytes"] = $"{8 << 20}";
            settings["Gateway:AnswerMargin"] = "00:00:01";
            return settings;
        }
    }

    [Fact]
    public async Task Fault19_CallsBeyondTheLimit_Are429UntilOthersEnd()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TestWorker.StartAsync(gateway, async _ =>
        {
            await goOn.Task;
            return Outcome.Good;
        });
        Task<HttpResponseMessage>[] calls = [gateway.Client.GetAsync($"/fn/{name}"), gateway.Client.GetAsync($"/fn/{name}")];
        await Until.TrueAsync(() => worker.Taken.Count == 2, "both calls run");
        using (var refused = await gateway.Client.GetAsync($"/fn/{name}"))
        {
            await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "throttled");
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        goOn.SetResult();
        foreach (var call in calls)
        {
            using var response = await call;
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        using var after = await gateway.Client.GetAsync($"/fn/{name}");
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task Bodies_BeyondTheMemory_Are429()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TestWorker.StartAsync(gateway, async _ =>
        {
            await goOn.Task;
            return Outcome.Good;
        });
        var first = gateway.Client.PostAsync($"/fn/{name}", new ByteArrayContent(new byte[5 << 20]));
        await Until.TrueAsync(() => worker.Taken.Count == 1, "the first call runs");
        using (var refused = await gateway.Client.PostAsync($"/fn/{name}", new ByteArrayContent(new byte[5 << 20])))
        {
            await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "throttled");
        }

        goOn.SetResult();
        (await first).Dispose();
        using var after = await gateway.Client.PostAsync($"/fn/{name}", new ByteArrayContent(new byte[5 << 20]));
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task Call_ThatRunsLongerThanItMay_Is504AndNamesTheWorker()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "waitTimeout: 60s\ninitTimeout: 1ms\ntimeout: 1ms");
        var late = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TestWorker.StartAsync(gateway, _ => late.Task, says: true);
        try
        {
            using var response = await gateway.Client.GetAsync($"/fn/{name}");
            var problem = await response.ProblemAsync(HttpStatusCode.GatewayTimeout, "wait_timeout");
            Assert.Contains(worker.Id, problem.Detail);
        }
        finally
        {
            // The worker was only slow; the record stays its own affair.
            late.SetResult(Outcome.Good);
        }
    }
}

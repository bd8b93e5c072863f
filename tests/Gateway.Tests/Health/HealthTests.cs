using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Health;

public sealed class HealthTests(EmbeddedGateway gateway) : IClassFixture<EmbeddedGateway>
{
    [Fact]
    public async Task Readiness_OfAGatewayWithoutWorkers_SaysSoAndNoMore()
    {
        Assert.Equal("ok", await gateway.Anonymous.GetStringAsync("/healthz"));
        using (var response = await gateway.Anonymous.GetAsync("/readyz"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            var status = await response.ReadAsync(ApiJson.Default.ClusterStatus);
            Assert.Equal(["workers"], status.Checks.Where(check => check.Problem is not null).Select(check => check.Name));
            Assert.Empty(status.Workers);
        }

        await using (var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult()))
        {
            using var response = await gateway.Anonymous.GetAsync("/readyz");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Empty((await response.ReadAsync(ApiJson.Default.ClusterStatus)).Workers);
            var status = await gateway.Client.GetAsync("/api/status", ApiJson.Default.ClusterStatus);
            Assert.Equal(("embedded", true), (status.Mode, status.Ready));
            Assert.Contains(status.Workers, seen => seen.Id == worker.Id && seen.MemoryMb == 4096 && seen.Runtimes.Count == 3 && seen.EgressProblem is null);

            // A worker whose host cannot connect functions to the outside: seen here, and by whoever deploys one that asks for it.
            await worker.BeatAsync();
            Assert.Empty((await gateway.Client.DeployAsync(Api.NewName(), "network: egress")).Warnings);
            worker.EgressProblem = "The kernel has no tproxy.";
            await worker.BeatAsync();
            await Until.TrueAsync(
                async () => (await gateway.Client.GetAsync("/api/status", ApiJson.Default.ClusterStatus)).Workers.Any(seen => seen.Id == worker.Id && seen.EgressProblem == worker.EgressProblem),
                "the status says so");
            var warning = Assert.Single((await gateway.Client.DeployAsync(Api.NewName(), "network: egress")).Warnings);
            Assert.Equal($"It asks for 'network: egress', and no connected worker can give it: on worker {worker.Id} calls end with init_error. The kernel has no tproxy.", warning);
            Assert.Empty((await gateway.Client.DeployAsync(Api.NewName())).Warnings);
        }
    }
}

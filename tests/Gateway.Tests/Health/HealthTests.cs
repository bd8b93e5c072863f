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
            Assert.Contains(status.Workers, seen => seen.Id == worker.Id && seen.MemoryMb == 4096 && seen.Runtimes.Count == 3);
        }
    }
}

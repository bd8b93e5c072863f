using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Invocations;

public sealed class EmbeddedCancellationTests(EmbeddedGateway gateway) : CancellationTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterCancellationTests(ClusterGateway gateway) : CancellationTests(gateway), IClassFixture<ClusterGateway>;

public abstract class CancellationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly GatewayFixture gateway;

    protected CancellationTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Fact]
    public async Task Cancel_OfAWaitingInvocation_IsRecordedFreeOfChargeAndStaysWhateverTheWorkerDoes()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var id = await SubmitAsync(name);

        using var response = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null);

        var cancelled = await response.ReadAsync(ApiJson.Default.InvocationDescription);
        Assert.Equal((HttpStatusCode.OK, "cancelled", "cancelled"), (response.StatusCode, cancelled.State, cancelled.Error!.Code));
        Assert.Equal(0, Assert.Single(cancelled.Attempts!).BilledMs);

        // This worker runs it all the same.
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        await Until.TrueAsync(() => worker.Taken.Any(message => message.InvocationId == id), "the worker takes it");
        await worker.EndAsync();
        var after = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
        Assert.Equal("cancelled", after.State);
        Assert.Single(after.Attempts!);
        using var again = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task Cancel_WhileTheRowIsOnItsWayToTheStore_FindsTheInvocation()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);

        // The 202 is answered before the row is committed, and the cancelling comes in the middle of that, sometimes.
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (_, stop) =>
        {
            var id = await SubmitAsync(name);
            using var response = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null, stop);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        });

        // Takes their messages out of the queue again, before another test's worker does.
        using var deleted = await gateway.Client.DeleteAsync($"/api/functions/{name}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    [Fact]
    public async Task Cancel_OfARetryInTheOutbox_TakesItOut()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(TimeSpan.FromHours(1))));
        var id = await SubmitAsync(name);
        await Until.TrueAsync(
            async () => (await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).Attempt == 2, "the second attempt waits");
        var before = await gateway.Get<Storage.Invocations.IInvocationStore>().CountWaitingAsync(CancellationToken.None);

        using var response = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null);

        Assert.Equal("cancelled", (await response.ReadAsync(ApiJson.Default.InvocationDescription)).State);
        var after = await gateway.Get<Storage.Invocations.IInvocationStore>().CountWaitingAsync(CancellationToken.None);
        Assert.Equal(before.Outbox - 1, after.Outbox);
    }

    [Fact]
    public async Task Cancel_OfACallThatRuns_AnswersItsCallerAtOnce()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var running = new TaskCompletionSource<Guid>(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TestWorker.StartAsync(
            gateway,
            async message =>
            {
                running.TrySetResult(message.InvocationId);
                await goOn.Task;
                return Outcome.Good;
            },
            says: true);
        var call = gateway.Client.PostAsync($"/api/functions/{name}/invocations", new StringContent("x"));
        var id = await running.Task.WaitAsync(Patience);

        using (var response = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        // The worker has not answered yet.
        using var answer = await call.WaitAsync(Patience);
        Assert.Equal(id, (await answer.ProblemAsync(HttpStatusCode.Conflict, "cancelled")).InvocationId);
        goOn.SetResult();
        await worker.EndAsync();
        Assert.Equal("cancelled", (await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).State);
    }

    [Fact]
    public async Task Cancel_OfWhatHasEndedOrIsNotThere_SaysSo()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var id = await SubmitAsync(name);
        await Until.TrueAsync(
            async () => (await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).State == "succeeded", "it succeeds");

        using (var ended = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null))
        {
            Assert.Contains("succeeded", (await ended.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        }

        foreach (var (client, path, status, code) in new[]
        {
            (gateway.Stranger, $"{id}", HttpStatusCode.NotFound, "not_found"),
            (gateway.Client, $"{Guid.CreateVersion7()}", HttpStatusCode.NotFound, "not_found"),
            (gateway.Client, "no-id", HttpStatusCode.BadRequest, "validation_failed"),
        })
        {
            using var refused = await client.PostAsync($"/api/invocations/{path}/cancel", null);
            await refused.ProblemAsync(status, code);
        }
    }

    private async Task<Guid> SubmitAsync(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/functions/{name}/invocations") { Content = new StringContent("event") };
        request.Headers.Add("Prefer", "respond-async");
        using var response = await gateway.Client.SendAsync(request);
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync());
        return (await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
    }
}

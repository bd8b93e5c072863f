using System.Net;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Tests.Delays;

public sealed class EmbeddedDelayTests(EmbeddedGateway gateway) : DelayTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterDelayTests(ClusterGateway gateway) : DelayTests(gateway), IClassFixture<ClusterGateway>;

public abstract class DelayTests
{
    private readonly GatewayFixture gateway;

    protected DelayTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Theory]
    [InlineData("/fn/{0}/path", 10)]
    [InlineData("/api/functions/{0}/invocations", Limits.InlinePayloadBytes + 1)]
    public async Task Invocation_Delayed_WaitsVisiblyAndRunsWhenItIsDue(string path, int bytes)
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var before = DateTimeOffset.UtcNow;
        using var response = await SendAsync(string.Format(path, name), new ByteArrayContent(new byte[bytes]), ("Faas-Delay", "2s"));
        var accepted = await response.ReadAsync(ApiJson.Default.AcceptedDescription);

        var waiting = await gateway.Client.GetAsync($"/api/invocations/{accepted.Id}", ApiJson.Default.InvocationDescription);
        var looked = DateTimeOffset.UtcNow;

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.InRange(accepted.DueAt!.Value, before.AddSeconds(2).AddMilliseconds(-1), DateTimeOffset.UtcNow.AddSeconds(2));

        // Unless it took so long to look that it is due.
        if (looked < accepted.DueAt)
        {
            Assert.Equal("queued", waiting.State);
            Assert.True((waiting.DueAt!.Value - accepted.DueAt.Value).Duration() < TimeSpan.FromMilliseconds(1));
        }

        var ended = await EndAsync(accepted.Id);
        Assert.Equal(("succeeded", null), (ended.State, ended.DueAt));
        Assert.True(Assert.Single(ended.Attempts!).StartedAt >= accepted.DueAt, "it ran too early");
        var message = Assert.Single(worker.Taken, taken => taken.FunctionId == function.Id);

        // The maximum age counts from the time it is due.
        Assert.True((message.Deadline - message.DueAt - TimeSpan.FromHours(6)).Duration() < TimeSpan.FromMilliseconds(1));
        Assert.Equal((bytes > Limits.InlinePayloadBytes, bytes > Limits.InlinePayloadBytes ? 0 : bytes), (message.BodyIsStored, message.Body.Length));
    }

    [Fact]
    public async Task Invocation_AtATime_WaitsForItAndIsCountedInTheOutbox()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var store = gateway.Get<IInvocationStore>();
        var before = await store.CountWaitingAsync(CancellationToken.None);
        var at = DateTimeOffset.UtcNow.AddHours(1);
        using var response = await SendAsync($"/fn/{name}", new StringContent("x"), ("Faas-At", at.ToString("O")));
        var id = (await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;

        var listed = await gateway.Client.GetAsync($"/api/invocations?function={name}&state=queued", ApiJson.Default.PageInvocationDescription);
        var after = await store.CountWaitingAsync(CancellationToken.None);

        Assert.True((Assert.Single(listed.Items).DueAt!.Value - at).Duration() < TimeSpan.FromMilliseconds(1));
        Assert.Equal((before.Queued + 1, before.Outbox + 1), (after.Queued, after.Outbox));
        using var cancelled = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null);
        Assert.Equal("cancelled", (await cancelled.ReadAsync(ApiJson.Default.InvocationDescription)).State);
        Assert.Equal(before.Outbox, (await store.CountWaitingAsync(CancellationToken.None)).Outbox);
    }

    [Theory]
    [InlineData("Faas-Delay", "soon", true)]
    [InlineData("Faas-Delay", "30d", true)]
    [InlineData("Faas-At", "2020-01-01T00:00:00Z", true)]
    [InlineData("Faas-Delay", "30s", false)]
    public async Task Fault24_WrongTime_Is400ThatNamesTheHeaderAndMakesNothing(string header, string value, bool isAsynchronous)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);

        using var response = await SendAsync($"/fn/{name}", new StringContent("x"), isAsynchronous, (header, value));

        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(header, Assert.Single(problem.Errors!).Field);
        Assert.Empty((await gateway.Client.GetAsync($"/api/invocations?function={name}", ApiJson.Default.PageInvocationDescription)).Items);
    }

    [Fact]
    public async Task Fault21_FunctionDeletedBeforeItIsDue_EndsItAsCancelled()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        using var response = await SendAsync($"/fn/{name}", new StringContent("x"), ("Faas-Delay", "7d"));
        var id = (await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
        (await gateway.Client.DeleteAsync($"/api/functions/{name}")).Dispose();

        // At once, not when it would have been due.
        Assert.Equal(("cancelled", "function_deleted"), await StateAsync(id));
    }

    private async Task<(string State, string? Error)> StateAsync(Guid id)
    {
        var ended = await EndAsync(id);
        return (ended.State, ended.Error?.Code);
    }

    private Task<HttpResponseMessage> SendAsync(string path, HttpContent content, params (string Name, string Value)[] headers) =>
        SendAsync(path, content, isAsynchronous: true, headers);

    private async Task<HttpResponseMessage> SendAsync(string path, HttpContent content, bool isAsynchronous, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (isAsynchronous)
        {
            request.Headers.Add("Prefer", "respond-async");
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await gateway.Client.SendAsync(request);
    }

    private async Task<InvocationDescription> EndAsync(Guid id)
    {
        InvocationDescription? found = null;
        await Until.TrueAsync(
            async () => (found = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).State is not ("queued" or "running"), "it ends");
        return found!;
    }
}

using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Invocations;

public sealed class EmbeddedQueueLimitTests(EmbeddedQueueLimitTests.SmallQueues gateway) : QueueLimitTests(gateway), IClassFixture<EmbeddedQueueLimitTests.SmallQueues>
{
    public sealed class SmallQueues : EmbeddedGateway
    {
        protected override async Task<Dictionary<string, string?>?> PrepareAsync() => Shorten(await base.PrepareAsync());
    }
}

public sealed class ClusterQueueLimitTests(ClusterQueueLimitTests.SmallQueues gateway) : QueueLimitTests(gateway), IClassFixture<ClusterQueueLimitTests.SmallQueues>
{
    public sealed class SmallQueues : ClusterGateway
    {
        protected override async Task<Dictionary<string, string?>?> PrepareAsync() => Shorten(await base.PrepareAsync());
    }
}

/// <summary>A full queue is an answer to the caller, never a loss: what was refused leaves nothing, what was accepted ends.</summary>
public abstract class QueueLimitTests
{
    private const int BrokerLimit = 20;

    private readonly GatewayFixture gateway;

    protected QueueLimitTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    protected static Dictionary<string, string?>? Shorten(Dictionary<string, string?>? settings)
    {
        settings?["Messaging:QueueLength"] = $"{BrokerLimit}";
        return settings;
    }

    [Fact]
    public async Task Fault19_QueueAtTheFunctionsLimit_Is429AndNothingOfItIsKept()
    {
        var name = Api.NewName();
        var described = await gateway.Client.DeployAsync(name, "queueLimit: 3");
        Assert.Equal(3, described.QueueLimit);
        var accepted = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            accepted.Add(Assert.NotNull(await SubmitAsync(name)));
        }

        using (var refused = await SendAsync(name))
        {
            var problem = await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "queue_full");
            Assert.Contains("queueLimit: 3", problem.Detail, StringComparison.Ordinal);
            Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
            Assert.Equal("queue_full", refused.Headers.GetValues("Faas-Error").Single());
            using var found = await gateway.Client.GetAsync($"/api/invocations/{refused.Headers.GetValues("Faas-Invocation-Id").Single()}");
            await found.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        await EndAllAsync(name, accepted);

        // Room again, within the time for which a count holds.
        await Until.TrueAsync(async () => await SubmitAsync(name) is not null, "there is room again");
    }

    [Fact]
    public async Task Fault19_ManyAtOnceForAShortQueue_AreNeverMoreThanItsLimitAndAllOfThemEnd()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "queueLimit: 5");

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => SubmitAsync(name)));

        var accepted = answers.OfType<Guid>().ToList();
        Assert.InRange(accepted.Count, 1, 5);
        await EndAllAsync(name, accepted);
    }

    [Fact]
    public async Task Fault19_QueueAtTheBrokersLimit_Is429AndAllThatWasAcceptedEnds()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var accepted = new List<Guid>();
        while (await SubmitAsync(name) is { } id)
        {
            accepted.Add(id);
            Assert.True(accepted.Count < BrokerLimit * 3, "The queue takes more than it may.");
        }

        // A quorum queue refuses a few messages late.
        Assert.InRange(accepted.Count, BrokerLimit, BrokerLimit + 10);
        using (var refused = await SendAsync(name))
        {
            await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "queue_full");
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await EndAllAsync(name, accepted);
    }

    [Fact]
    public async Task Attempt_ThatIsDueWhileTheQueueIsFull_WaitsOutsideOfIt()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "queueLimit: 1");
        Guid first;
        await using (var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(TimeSpan.FromSeconds(1)))))
        {
            first = Assert.NotNull(await SubmitAsync(name));
            await Until.TrueAsync(
                async () => (await gateway.Client.GetAsync($"/api/invocations/{first}", ApiJson.Default.InvocationDescription)).Attempts?.Count >= 1, "the first attempt is recorded");
        }

        var accepted = new List<Guid> { first };
        await Until.TrueAsync(
            async () =>
            {
                if (await SubmitAsync(name) is { } id)
                {
                    accepted.Add(id);
                }

                return accepted.Count == 2;
            },
            "one more is accepted");
        await EndAllAsync(name, accepted);
    }

    [Fact]
    public async Task Call_OfAFunctionAtItsConcurrencyLimit_Is429WithRetryAfter()
    {
        var name = Api.NewName();
        var described = await gateway.Client.DeployAsync(name, "concurrency: 7");
        Assert.Equal(7, described.Concurrency);
        var throttled = new InvocationError { Code = ErrorCode.Throttled, Message = "at its limit" };
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(new Outcome(null, throttled)));

        using var response = await gateway.Client.GetAsync($"/fn/{name}");

        var problem = await response.ProblemAsync(HttpStatusCode.TooManyRequests, "throttled");
        Assert.Equal(("at its limit", "caller"), (problem.Detail, problem.Fault));
        Assert.True(response.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    /// <summary>Starts a worker and waits until each of them succeeded, and that the worker got nothing else.</summary>
    private async Task EndAllAsync(string name, List<Guid> accepted)
    {
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        foreach (var id in accepted)
        {
            var ended = await Until.NotNullAsync(
                async () =>
                {
                    var found = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
                    return found.EndedAt is null ? null : found;
                },
                $"invocation {id} ends");
            Assert.Equal("succeeded", ended.State);
        }

        var listed = await gateway.Client.GetAsync($"/api/invocations?function={name}&limit=100", ApiJson.Default.PageInvocationDescription);
        Assert.Equal(accepted.Order(), listed.Items.Select(item => item.Id).Order());
        Assert.Equal(accepted.Order(), worker.Taken.Where(message => accepted.Contains(message.InvocationId)).Select(message => message.InvocationId).Distinct().Order());
    }

    private async Task<Guid?> SubmitAsync(string name)
    {
        using var response = await SendAsync(name);
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            return (await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
        }

        await response.ProblemAsync(HttpStatusCode.TooManyRequests, "queue_full");
        return null;
    }

    private async Task<HttpResponseMessage> SendAsync(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/fn/{name}") { Content = new StringContent("event") };
        request.Headers.Add("Prefer", "respond-async");
        return await gateway.Client.SendAsync(request);
    }
}

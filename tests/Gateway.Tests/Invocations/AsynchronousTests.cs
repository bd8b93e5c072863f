using System.Diagnostics;
using System.Net;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Packages;

namespace FaasCluster.Gateway.Tests.Invocations;

public sealed class EmbeddedAsynchronousTests(EmbeddedGateway gateway) : AsynchronousTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterAsynchronousTests(ClusterGateway gateway) : AsynchronousTests(gateway), IClassFixture<ClusterGateway>
{
    [Fact]
    public async Task Events_ThatTheWarmWorkerCannotTake_WakeAnother()
    {
        var name = Api.NewName();
        await Gateway.Client.DeployAsync(name);
        var end = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var busy = await TestWorker.StartAsync(Gateway, _ => end.Task);
        var ids = await Task.WhenAll(Enumerable.Range(0, TestWorker.Prefetch + 10).Select(_ => SubmitAsync($"/fn/{name}", new StringContent(""))));
        await Until.TrueAsync(() => busy.Taken.Count == TestWorker.Prefetch, "the first worker is full");

        await using var other = await TestWorker.StartAsync(Gateway, _ => new InvocationResult());

        // Heartbeats: a real worker says every few seconds for which functions it is warm.
        await Until.TrueAsync(
            async () =>
            {
                await busy.BeatAsync();
                await other.BeatAsync();
                return other.Taken.Count == 10;
            },
            "the other one helps");
        end.SetResult(Outcome.Good);
        foreach (var id in ids)
        {
            Assert.Equal("succeeded", (await EndAsync(id)).State);
        }
    }
}

public abstract class AsynchronousTests
{
    private readonly GatewayFixture gateway;

    protected AsynchronousTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    protected GatewayFixture Gateway => gateway;

    [Theory]
    [InlineData("/fn/{0}/path?x=1", "http")]
    [InlineData("/api/functions/{0}/invocations", "api")]
    public async Task Invocation_Accepted_CanBeAskedForUntilItEnds(string path, string trigger)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var id = await SubmitAsync(string.Format(path, name), new StringContent("event"));

        // Nobody takes it yet.
        var waiting = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
        Assert.Equal(("queued", "asynchronous", trigger, 1), (waiting.State, waiting.Kind, waiting.Trigger, waiting.Attempt));
        using (var foreign = await gateway.Stranger.GetAsync($"/api/invocations/{id}"))
        {
            await foreign.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult { Body = message.Body, ContentType = "text/plain" });
        var ended = await EndAsync(id);
        Assert.Equal("succeeded", ended.State);
        Assert.Equal("event", ended.Result!.Text);
        Assert.Equal(2, Assert.Single(ended.Attempts!).BilledMs);

        var listed = await gateway.Client.GetAsync($"/api/invocations?function={name}&state=succeeded&since=1h", ApiJson.Default.PageInvocationDescription);
        Assert.Equal([id], listed.Items.Select(item => item.Id));
        Assert.Empty((await gateway.Stranger.GetAsync($"/api/invocations?function={name}", ApiJson.Default.PageInvocationDescription)).Items);
        var usage = await gateway.Client.GetAsync("/api/usage?since=1h", ApiJson.Default.UsageReport);
        Assert.Equal((1, 0, 2), usage.Functions.Where(line => line.Function == name).Select(line => (line.Attempts, line.Errors, line.BilledMs)).Single());
        Assert.Empty((await gateway.Stranger.GetAsync("/api/usage", ApiJson.Default.UsageReport)).Functions);
    }

    [Fact]
    public async Task Event_TooLargeToTravel_IsStoredAndSentByReference()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var bytes = new byte[Limits.AsynchronousPayloadBytes];
        Random.Shared.NextBytes(bytes);
        var id = await SubmitAsync($"/fn/{name}", new ByteArrayContent(bytes));
        byte[]? stored = null;
        await using var worker = await TestWorker.StartAsync(gateway, async message =>
        {
            stored = await gateway.Get<IPayloadStore>().FindAsync(message.InvocationId, CancellationToken.None);
            return new Outcome(new InvocationResult(), null);
        });
        await EndAsync(id);
        var message = Assert.Single(worker.Taken);
        Assert.True(message.BodyIsStored);
        Assert.Equal(0, message.Body.Length);
        Assert.Equal(bytes, stored);
    }

    [Fact]
    public async Task Event_OfMoreThanTheLimit_Is413()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        using var request = Asynchronous($"/fn/{name}", new ByteArrayContent(new byte[Limits.AsynchronousPayloadBytes + 1]));
        using var response = await gateway.Client.SendAsync(request);
        await response.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task Burst_ForAColdFunction_WakesOneWorkerAndEndsOnceEach()
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult { Body = message.Body });
        var clock = Stopwatch.StartNew();
        var ids = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => SubmitAsync($"/api/functions/{name}/invocations", new StringContent($"{i}"))));
        foreach (var id in ids)
        {
            Assert.Equal("succeeded", (await EndAsync(id)).State);
        }

        Assert.Equal(200, ids.Distinct().Count());
        Assert.Equal(ids.Order(), worker.Taken.Select(message => message.InvocationId).Order());

        // At most about one a second, and none once the function is known to be warm.
        Assert.InRange(worker.Woken.Count(woken => woken == function.Id), 1, 5 + (int)clock.Elapsed.TotalSeconds);
        var seen = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await gateway.Client.GetAsync(
                $"/api/invocations?function={name}&limit=30{(cursor is null ? "" : $"&cursor={cursor}")}", ApiJson.Default.PageInvocationDescription);
            seen.AddRange(page.Items.Select(item => item.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(ids.Order(), seen.Order());
    }

    [Fact]
    public async Task Wake_ThatGotLost_IsMadeUpForByTheSweep()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);

        // The wake of the acceptance finds no worker; the one that comes later hears of the function by the sweep.
        var id = await SubmitAsync($"/fn/{name}", new StringContent(""));
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        Assert.Equal("succeeded", (await EndAsync(id)).State);
    }

    [Fact]
    public async Task Fault21_DeleteWhileInvocationsWait_EndsThemAsCancelledAndLeavesNothingInTheBroker()
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => SubmitAsync($"/fn/{name}", new StringContent("x"))));
        using (var response = await gateway.Client.DeleteAsync($"/api/functions/{name}"))
        {
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        }

        foreach (var id in ids)
        {
            var ended = await EndAsync(id);
            Assert.Equal(("cancelled", "function_deleted"), (ended.State, ended.Error!.Code));
            Assert.Equal(0, Assert.Single(ended.Attempts!).BilledMs);
        }

        // On RabbitMQ the queue itself is gone.
        await Until.TrueAsync(
            async () => await gateway.Get<IInvocationSender>().CountWaitingAsync(function.Id, CancellationToken.None) is null or 0, "nothing is left in the broker");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        await gateway.Client.DeployAsync(name);
        var after = await SubmitAsync($"/fn/{name}", new StringContent("y"));
        Assert.Equal("succeeded", (await EndAsync(after)).State);
        Assert.Single(worker.Taken);
    }

    [Fact]
    public async Task Manifest_WithRetries_SetsTheDeadline()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "retries: { maxAge: 90s }");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        await EndAsync(await SubmitAsync($"/fn/{name}", new StringContent("")));
        var message = Assert.Single(worker.Taken);
        Assert.Equal(TimeSpan.FromSeconds(90), message.Deadline - message.AcceptedAt);
        Assert.Equal(message.AcceptedAt, message.DueAt);
        Assert.Equal(InvocationKind.Asynchronous, message.Kind);
        Assert.Equal(7, message.InvocationId.Version);
        Assert.True(ManifestReader.IsFunctionName(name));
    }

    [Fact]
    public async Task Attempt_ThatFailed_IsFollowedByTheNextWhenItIsDue()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(
            gateway, message => Task.FromResult(message.Attempt < 3 ? Outcome.Failed(TimeSpan.FromMilliseconds(300)) : Outcome.Good));
        var id = await SubmitAsync($"/fn/{name}", new StringContent("the event"));
        var ended = await EndAsync(id);
        Assert.Equal("succeeded", ended.State);
        Assert.Equal(["function_error", "function_error", null], ended.Attempts!.Select(attempt => attempt.Error));
        Assert.Equal([1, 2, 3], worker.Taken.Select(message => message.Attempt));
        Assert.All(worker.Taken, message => Assert.Equal("the event", System.Text.Encoding.UTF8.GetString(message.Body.Span)));
        Assert.All(worker.Taken.Zip(worker.Taken.Skip(1)), pair => Assert.True(pair.Second.DueAt - pair.First.DueAt >= TimeSpan.FromMilliseconds(300)));
    }

    [Fact]
    public async Task Fault21_DeleteWhileTheNextAttemptWaits_EndsItAsCancelled()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(TimeSpan.FromHours(1))));
        var id = await SubmitAsync($"/fn/{name}", new StringContent(""));
        await Until.TrueAsync(
            async () => (await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).Attempts!.Count == 1, "the first attempt is recorded");
        (await gateway.Client.DeleteAsync($"/api/functions/{name}")).Dispose();
        var ended = await EndAsync(id);
        Assert.Equal(("cancelled", "function_deleted", 2), (ended.State, ended.Error!.Code, ended.Attempts!.Count));
        Assert.Single(worker.Taken);
    }

    [Fact]
    public async Task Fault11_PoisonThatKillsEveryWorker_EndsAsLostOnce()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var store = gateway.Get<IInvocationStore>();
        await using var worker = await TestWorker.StartAsync(gateway, async message =>
        {
            await store.MarkStartedAsync(message, name, "dying", CancellationToken.None);
            return Outcome.Died;
        });
        var ended = await EndAsync(await SubmitAsync($"/fn/{name}", new StringContent("")));
        Assert.Equal(("lost", "poison"), (ended.State, ended.Error!.Code));
        Assert.Equal(0, Assert.Single(ended.Attempts!).BilledMs);
        Assert.Equal(0, ended.Attempts![0].Cost);
    }

    [Fact]
    public async Task Fault11_NeighbourOfAPoison_IsSentAgainAndSucceeds()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var taken = 0;

        // Never started, only delivered and returned, past the delivery limit.
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Interlocked.Increment(ref taken) <= 8 ? Outcome.Died : Outcome.Good));
        var ended = await EndAsync(await SubmitAsync($"/fn/{name}", new StringContent("")));
        Assert.Equal("succeeded", ended.State);
        Assert.Single(ended.Attempts!);
    }

    [Fact]
    public async Task Rows_OfADeletedFunctionWithoutAMessage_AreEndedByTheSweep()
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name, "timeout: 1ms\ninitTimeout: 1ms");

        // As a gateway leaves it that dies after the deletion in the store, with the queue gone.
        var id = Guid.CreateVersion7();
        var now = DateTimeOffset.UtcNow;
        var message = new InvocationMessage
        {
            InvocationId = id,
            FunctionId = function.Id,
            Revision = 1,
            AccountId = "default",
            Kind = InvocationKind.Asynchronous,
            Trigger = TriggerKind.Api,
            AcceptedAt = now,
            DueAt = now,
            Deadline = now.AddHours(1),
            Body = default,
        };
        await gateway.Get<IInvocationStore>().AcceptAsync([new AcceptedInvocation { Message = message, FunctionName = name }], CancellationToken.None);
        await gateway.Get<IFunctionStore>().DeleteAsync("default", name, CancellationToken.None);
        var ended = await EndAsync(id);
        Assert.Equal(("cancelled", "function_deleted"), (ended.State, ended.Error!.Code));
    }

    protected async Task<Guid> SubmitAsync(string path, HttpContent content)
    {
        using var request = Asynchronous(path, content);
        using var response = await gateway.Client.SendAsync(request);
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync());
        var accepted = await response.ReadAsync(ApiJson.Default.AcceptedDescription);
        Assert.Equal(accepted.Location, response.Headers.Location!.ToString());
        Assert.Equal(accepted.Id.ToString(), response.Headers.GetValues("Faas-Invocation-Id").Single());
        Assert.Equal("respond-async", response.Headers.GetValues("Preference-Applied").Single());
        return accepted.Id;
    }

    private static HttpRequestMessage Asynchronous(string path, HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Prefer", "wait=5, respond-async");
        return request;
    }

    protected Task<InvocationDescription> EndAsync(Guid id) => Until.NotNullAsync(
        async () =>
        {
            var found = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
            return found.EndedAt is null ? null : found;
        },
        $"invocation {id} ends");
}

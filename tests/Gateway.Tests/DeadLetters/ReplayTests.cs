using System.Net;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.DeadLetters;

public sealed class EmbeddedReplayTests(EmbeddedGateway gateway) : ReplayTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterReplayTests(ClusterGateway gateway) : ReplayTests(gateway), IClassFixture<ClusterGateway>;

public abstract class ReplayTests
{
    private readonly GatewayFixture gateway;
    private readonly Submissions submissions;
    private readonly string name = Api.NewName();

    protected ReplayTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
        submissions = new Submissions(gateway);
    }

    [Fact]
    public async Task Replay_OfASuccess_RunsTheSameEventOnItsOwnRevisionAgain()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult { Body = message.Body });
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}/p?q=1", "the event"));
        await gateway.Client.DeployAsync(name);

        var own = await ReplayAsync(id, "?destinations=suppress");
        var newer = await ReplayAsync(id, "?revision=2");

        Assert.Equal(("succeeded", 1, id, "the event"), (own.State, own.Revision, own.ReplayOf, own.Result!.Text));
        Assert.Equal(("succeeded", 2, id), (newer.State, newer.Revision, newer.ReplayOf));
        Assert.Equal([newer.Id, own.Id], (await submissions.FindAsync(id)).Replays);
        var (first, second) = (Taken(id), Taken(own.Id));
        Assert.Equal(first.Body.ToArray(), second.Body.ToArray());
        Assert.Equal(first.ContentType, second.ContentType);
        Assert.Equal(first.Http!.Headers, second.Http!.Headers);
        Assert.Equal((first.Http.Path, first.Http.Query, first.Trigger), (second.Http.Path, second.Http.Query, second.Trigger));
        Assert.Equal((true, false), (second.SuppressDestinations, Taken(newer.Id).SuppressDestinations));
        Assert.Equal(TimeSpan.FromHours(6), second.Deadline - second.AcceptedAt);

        InvocationMessage Taken(Guid invocation) => Assert.Single(worker.Taken, message => message.InvocationId == invocation);
    }

    [Fact]
    public async Task Replay_OfADeadLetter_LeavesItOpen()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", "x"));
        await ReplayAsync(id, "");
        Assert.Equal("open", (await submissions.FindAsync(id)).DeadLetter);
    }

    [Theory]
    [InlineData("", Limits.KeptEventBytes, true)]
    [InlineData("", Limits.KeptEventBytes + 1, false)]
    [InlineData("keepEvents: failures", 1, false)]
    public async Task Replay_OfASuccess_NeedsItsEvent(string manifest, int bytes, bool isKept)
    {
        await gateway.Client.DeployAsync(name, manifest);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", new ByteArrayContent(new byte[bytes])));

        using var response = await gateway.Client.PostAsync($"/api/invocations/{id}/replay", null);
        if (isKept)
        {
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        }
        else
        {
            Assert.Contains("is not kept", (await response.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        }
    }

    [Fact]
    public async Task Replay_OfWhatWaitsOrWasSynchronousOrIsUnknown_IsRefused()
    {
        await gateway.Client.DeployAsync(name);
        var waiting = await submissions.SubmitAsync($"/fn/{name}", "x");
        using (var response = await gateway.Client.PostAsync($"/api/invocations/{waiting}/replay", null))
        {
            Assert.Contains("queued", (await response.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        }

        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        await submissions.EndAsync(waiting);
        using var call = await gateway.Client.PostAsync($"/fn/{name}", null);
        var synchronous = Guid.Parse(call.Headers.GetValues("Faas-Invocation-Id").Single());
        await submissions.EndAsync(synchronous);
        using (var response = await gateway.Client.PostAsync($"/api/invocations/{synchronous}/replay", null))
        {
            Assert.Contains("synchronous", (await response.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        }

        using var unknown = await gateway.Client.PostAsync($"/api/invocations/{Guid.CreateVersion7()}/replay", null);
        await unknown.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        using var revision = await gateway.Client.PostAsync($"/api/invocations/{waiting}/replay?revision=9", null);
        Assert.Contains("no revision 9", (await revision.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        using var wrong = await gateway.Client.PostAsync($"/api/invocations/{waiting}/replay?destinations=none", null);
        Assert.Equal("destinations", Assert.Single((await wrong.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed")).Errors!).Field);
    }

    private async Task<InvocationDescription> ReplayAsync(Guid id, string query)
    {
        using var response = await gateway.Client.PostAsync($"/api/invocations/{id}/replay{query}", null);
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync());
        return await submissions.FindAsync(await submissions.EndAsync((await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id));
    }
}

using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Tests.DeadLetters;

public sealed class EmbeddedDeadLetterTests(EmbeddedGateway gateway) : DeadLetterTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterDeadLetterTests(ClusterGateway gateway) : DeadLetterTests(gateway), IClassFixture<ClusterGateway>;

public abstract class DeadLetterTests
{
    private readonly GatewayFixture gateway;
    private readonly Submissions submissions;
    private readonly string name = Api.NewName();

    protected DeadLetterTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
        submissions = new Submissions(gateway);
    }

    [Fact]
    public async Task Letter_OfAFailure_TellsTheReasonTheAttemptsAndTheEvent()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(
            gateway, message => Task.FromResult(Outcome.Failed(message.Attempt == 1 ? TimeSpan.FromMilliseconds(50) : null)));
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}/a?x=1", "the event"));

        var listed = Assert.Single((await ListAsync()).Items);
        Assert.Equal((id, name, "open", "failed", 2, "function_error"), (listed.Id, listed.Function, listed.State, listed.Reason, listed.Attempt, listed.Error!.Code));
        Assert.Null(listed.Event);
        var letter = await LetterAsync(id);
        Assert.Equal([1, 2], letter.Attempts!.Select(attempt => attempt.Attempt));
        Assert.Equal((9, "the event", "POST", "/a?x=1"), (letter.Event!.Bytes, letter.Event.Text, letter.Event.Method, letter.Event.Path));
        Assert.StartsWith("text/plain", letter.Event.ContentType);
        using var raw = await gateway.Client.GetAsync(letter.Event.Location);
        Assert.Equal("the event", await raw.Content.ReadAsStringAsync());
        Assert.Equal("attachment", raw.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("nosniff", raw.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task Redrive_AfterARepair_RunsTheCurrentRevisionOnceAndLinksBothWays()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => Task.FromResult(message.Revision == 1 ? Outcome.Failed(null) : Outcome.Good));
        var bytes = new byte[300_000];
        Random.Shared.NextBytes(bytes);
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", new ByteArrayContent(bytes)));
        await gateway.Client.DeployAsync(name);

        using var response = await gateway.Client.PostAsync($"/api/dead-letters/{id}/redrive", null);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var accepted = await response.ReadAsync(ApiJson.Default.AcceptedDescription);
        Assert.Equal(accepted.Location, response.Headers.Location!.ToString());
        await submissions.EndAsync(accepted.Id);

        var made = await submissions.FindAsync(accepted.Id);
        Assert.Equal(("succeeded", 2, id), (made.State, made.Revision, made.RedriveOf));
        var old = await submissions.FindAsync(id);
        Assert.Equal(("failed", "redriven", accepted.Id), (old.State, old.DeadLetter, old.RedrivenAs));
        var letter = await LetterAsync(id);
        Assert.Equal(("redriven", accepted.Id), (letter.State, letter.RedrivenAs));
        Assert.Empty((await ListAsync()).Items);
        Assert.Single((await ListAsync("&state=redriven")).Items);
        Assert.True(Assert.Single(worker.Taken, message => message.InvocationId == accepted.Id).BodyIsStored);

        // Nothing brings a second one: not after its success, not as a discard.
        foreach (var (method, path) in new[] { (HttpMethod.Post, $"/api/dead-letters/{id}/redrive"), (HttpMethod.Delete, $"/api/dead-letters/{id}") })
        {
            using var again = await gateway.Client.SendAsync(new HttpRequestMessage(method, path));
            var problem = await again.ProblemAsync(HttpStatusCode.Conflict, "conflict");
            Assert.Equal(accepted.Id, problem.InvocationId);
            Assert.Contains(accepted.Id.ToString(), problem.Detail);
        }

        Assert.Equal(2, worker.Taken.Count);
    }

    [Fact]
    public async Task Redrive_ByManyAtOnce_MakesOneInvocation()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => Task.FromResult(message.Revision == 1 ? Outcome.Failed(null) : Outcome.Good));
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", "x"));
        await gateway.Client.DeployAsync(name);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => gateway.Client.PostAsync($"/api/dead-letters/{id}/redrive", null)));

        var accepted = await Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Accepted).ReadAsync(ApiJson.Default.AcceptedDescription);
        foreach (var answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.Accepted))
        {
            Assert.Equal(accepted.Id, (await answer.ProblemAsync(HttpStatusCode.Conflict, "conflict")).InvocationId);
        }

        await submissions.EndAsync(accepted.Id);
        Assert.Equal(2, worker.Taken.Count);
    }

    [Fact]
    public async Task Redrive_ByFilter_GoesInBatchesToAChosenRevision()
    {
        await gateway.Client.DeployAsync(name);
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => Task.FromResult(message.Revision == 2 ? Outcome.Failed(null) : Outcome.Good));
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", $"{i}")));
        }

        var made = new Dictionary<Guid, Guid>();
        string? cursor = null;
        do
        {
            using var response = await gateway.Client.PostAsync($"/api/dead-letters/redrive?function={name}&since=1h&revision=1&limit=2{(cursor is null ? "" : $"&cursor={cursor}")}", null);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var report = await response.ReadAsync(ApiJson.Default.DeadLetterReport);
            Assert.InRange(report.Count, 1, 2);
            foreach (var pair in report.Redriven!)
            {
                made.Add(pair.Of, pair.Id);
            }

            cursor = report.Next;
        }
        while (cursor is not null);

        Assert.Equal(ids.Order(), made.Keys.Order());
        foreach (var (of, id) in made)
        {
            await submissions.EndAsync(id);
            var found = await submissions.FindAsync(id);
            Assert.Equal(("succeeded", 1, of), (found.State, found.Revision, found.RedriveOf));
        }

        using var empty = await gateway.Client.PostAsync($"/api/dead-letters/redrive?function={name}", null);
        Assert.Equal(0, (await empty.ReadAsync(ApiJson.Default.DeadLetterReport)).Count);
    }

    [Fact]
    public async Task Redrive_ThatFailsAgain_LeavesALetterOfItsOwn()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", "x"));
        using var response = await gateway.Client.PostAsync($"/api/dead-letters/{id}/redrive", null);
        var second = await submissions.EndAsync((await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id);

        var open = Assert.Single((await ListAsync()).Items);
        Assert.Equal((second, id), (open.Id, open.RedriveOf));
        Assert.Equal(2, (await ListAsync("&state=all")).Items.Count);
    }

    [Fact]
    public async Task Redrive_OfADeletedFunction_SaysSoAndLeavesTheLetterOpen()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", "x"));
        (await gateway.Client.DeleteAsync($"/api/functions/{name}")).Dispose();
        await gateway.Client.DeployAsync(name);

        foreach (var path in new[] { $"/api/dead-letters/{id}/redrive", $"/api/invocations/{id}/replay" })
        {
            using var response = await gateway.Client.PostAsync(path, null);
            Assert.Contains("was deleted", (await response.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        }

        using var many = await gateway.Client.PostAsync($"/api/dead-letters/redrive?function={name}", null);
        var report = await many.ReadAsync(ApiJson.Default.DeadLetterReport);
        Assert.Equal((0, id), (report.Count, Assert.Single(report.Skipped).Id));
        Assert.Contains("was deleted", report.Skipped[0].Reason);
        Assert.Equal("open", (await LetterAsync(id)).State);
    }

    [Fact]
    public async Task Discard_OneAndByFilter_SettlesThem()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add(await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", $"{i}")));
        }

        using var one = await gateway.Client.DeleteAsync($"/api/dead-letters/{ids[0]}");
        Assert.Equal(HttpStatusCode.NoContent, one.StatusCode);
        using var everything = await gateway.Client.DeleteAsync("/api/dead-letters/");
        await everything.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        using var rest = await gateway.Client.DeleteAsync($"/api/dead-letters?function={name}");
        Assert.Equal(2, (await rest.ReadAsync(ApiJson.Default.DeadLetterReport)).Count);

        Assert.Equal(3, (await ListAsync("&state=discarded")).Items.Count);
        using var redrive = await gateway.Client.PostAsync($"/api/dead-letters/{ids[1]}/redrive", null);
        Assert.Contains("discarded", (await redrive.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        Assert.Equal(3, worker.Taken.Count);
    }

    [Fact]
    public async Task Fault11_PoisonThatKillsEveryWorker_LeavesALetterWithItsEvent()
    {
        await gateway.Client.DeployAsync(name);
        var store = gateway.Get<IInvocationStore>();
        await using var worker = await TestWorker.StartAsync(gateway, async message =>
        {
            await store.MarkStartedAsync(message, name, "dying", CancellationToken.None);
            return Outcome.Died;
        });
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/api/functions/{name}/invocations", "poison"));

        var letter = await LetterAsync(id);
        Assert.Equal(("lost", "poison", "poison"), (letter.Reason, letter.Error!.Code, letter.Event!.Text));
    }

    [Theory]
    [InlineData("GET", "?state=opne", "state")]
    [InlineData("GET", "?cursor=x", "cursor")]
    [InlineData("GET", "?function=No", "function")]
    [InlineData("POST", "/redrive?revision=0&function=a", "revision")]
    [InlineData("POST", "/redrive?revision=1", "revision")]
    [InlineData("POST", "/redrive?limit=1001", "limit")]
    [InlineData("POST", "/redrive?state=open", "state")]
    [InlineData("POST", "/nonsense/redrive", "id")]
    [InlineData("DELETE", "?since=1h&until=2h", "since")]
    [InlineData("DELETE", "/1", "id")]
    public async Task Fault24_WrongParameter_IsNamed(string method, string rest, string field)
    {
        using var response = await gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"/api/dead-letters{rest}"));
        Assert.Equal(field, Assert.Single((await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed")).Errors!).Field);
    }

    [Fact]
    public async Task Letter_OfAnotherAccount_IsNotThere()
    {
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));
        var id = await submissions.EndAsync(await submissions.SubmitAsync($"/fn/{name}", "x"));
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Get, $"/api/dead-letters/{id}"), (HttpMethod.Post, $"/api/dead-letters/{id}/redrive"), (HttpMethod.Delete, $"/api/dead-letters/{id}"),
            (HttpMethod.Post, $"/api/invocations/{id}/replay"), (HttpMethod.Get, $"/api/invocations/{id}/event"),
        })
        {
            using var foreign = await gateway.Stranger.SendAsync(new HttpRequestMessage(method, path));
            await foreign.ProblemAsync(HttpStatusCode.NotFound, "not_found");
            using var anonymous = await gateway.Anonymous.SendAsync(new HttpRequestMessage(method, path));
            Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
        }

        using var discard = await gateway.Stranger.DeleteAsync("/api/dead-letters?until=0s");
        Assert.Equal(0, (await discard.ReadAsync(ApiJson.Default.DeadLetterReport)).Count);
        using var redrive = await gateway.Stranger.PostAsync("/api/dead-letters/redrive", null);
        Assert.Equal(0, (await redrive.ReadAsync(ApiJson.Default.DeadLetterReport)).Count);
        Assert.Equal("open", (await LetterAsync(id)).State);
    }

    private Task<Page<DeadLetterDescription>> ListAsync(string rest = "") =>
        gateway.Client.GetAsync($"/api/dead-letters?function={name}{rest}", ApiJson.Default.PageDeadLetterDescription);

    private Task<DeadLetterDescription> LetterAsync(Guid id) => gateway.Client.GetAsync($"/api/dead-letters/{id}", ApiJson.Default.DeadLetterDescription);
}

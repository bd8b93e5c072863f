using System.Net;
using System.Text.Json.Nodes;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Dispatches;

public sealed class EmbeddedFunctionDestinationTests(EmbeddedDispatchGateway gateway) : FunctionDestinationTests(gateway), IClassFixture<EmbeddedDispatchGateway>;

public sealed class ClusterFunctionDestinationTests(ClusterDispatchGateway gateway) : FunctionDestinationTests(gateway), IClassFixture<ClusterDispatchGateway>;

public abstract class FunctionDestinationTests
{
    private readonly GatewayFixture gateway;

    protected FunctionDestinationTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Fact]
    public async Task Success_OfAnAsynchronousCall_InvokesTheDestinationWithTheRecord()
    {
        var (first, audit) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(audit);
        await gateway.Client.DeployAsync(first, $"onSuccess: {{ function: {audit} }}\n");
        await using var worker = await TestWorker.StartAsync(
            gateway, message => new InvocationResult { Body = message.Trigger == TriggerKind.Destination ? message.Body : "{\"answer\":42}"u8.ToArray() });

        var id = await gateway.SubmitAsync(first, "{\"question\":1}");

        var dispatch = await gateway.SettledAsync(id);
        Assert.Equal(("function", audit, "delivered", 1, null), (dispatch.Kind, dispatch.Target, dispatch.State, dispatch.Attempts, dispatch.LastError));
        var caused = await gateway.EndAsync(dispatch.BecameInvocation!.Value);
        Assert.Equal((audit, "destination", id, 1, "succeeded"), (caused.Function, caused.Trigger, caused.CausedBy!.Value, caused.Depth!.Value, caused.State));
        var record = JsonNode.Parse(caused.Result!.Text!)!;
        Assert.Equal("Success", (string?)record["requestContext"]!["condition"]);
        Assert.Equal(id.ToString(), (string?)record["requestContext"]!["requestId"]);
        Assert.Equal(1, (int?)record["requestPayload"]!["question"]);
        Assert.Equal(42, (int?)record["responsePayload"]!["answer"]);

        var listed = await gateway.Client.GetAsync($"/api/dispatches?function={first}&state=delivered", ApiJson.Default.PageDispatchDescription);
        Assert.Equal([id], listed.Items.Select(item => item.InvocationId));
        Assert.Empty((await gateway.Stranger.GetAsync($"/api/dispatches?function={first}", ApiJson.Default.PageDispatchDescription)).Items);
    }

    [Fact]
    public async Task Success_OfASynchronousCall_InvokesNobody()
    {
        var (first, audit) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(audit);
        await gateway.Client.DeployAsync(first, $"onSuccess: {{ function: {audit} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        using var answer = await gateway.Client.PostAsync($"/api/functions/{first}/invocations", new StringContent("{}"));

        answer.EnsureSuccessStatusCode();
        var id = Guid.Parse(answer.Headers.GetValues("Faas-Invocation-Id").Single());
        Assert.Null((await gateway.EndAsync(id)).Dispatches);
    }

    [Fact]
    public async Task Failure_AfterItsRetries_InvokesTheDestinationOnce()
    {
        var (first, audit) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(audit);
        await gateway.Client.DeployAsync(first, $"onFailure: {{ function: {audit} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, message => Task.FromResult(
            message.Trigger == TriggerKind.Destination ? new Outcome(new InvocationResult { Body = message.Body }, null)
            : Outcome.Failed(message.Attempt == 1 ? TimeSpan.FromMilliseconds(10) : null)));

        var id = await gateway.SubmitAsync(first);

        var caused = await gateway.EndAsync((await gateway.SettledAsync(id)).BecameInvocation!.Value);
        var record = JsonNode.Parse(caused.Result!.Text!)!;
        Assert.Equal("RetriesExhausted", (string?)record["requestContext"]!["condition"]);
        Assert.Equal(2, (int?)record["requestContext"]!["approximateInvokeCount"]);
        Assert.Equal("Unhandled", (string?)record["responseContext"]!["functionError"]);
        Assert.Equal("failed", (string?)record["responsePayload"]!["errorMessage"]);
        Assert.Single(worker.Taken, message => message.CausedBy == id);
    }

    [Fact]
    public async Task Destination_DeployedLater_IsInvokedThen()
    {
        var (first, audit) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(first, $"onSuccess: {{ function: {audit} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var id = await gateway.SubmitAsync(first);
        await Until.TrueAsync(async () => (await gateway.FindAsync(id)).Dispatches is [{ LastError: not null }], "a delivery failed");
        var waiting = Assert.Single((await gateway.FindAsync(id)).Dispatches!);
        Assert.Equal("waiting", waiting.State);
        Assert.Contains($"no function '{audit}'", waiting.LastError);

        await gateway.Client.DeployAsync(audit);

        var dispatch = await gateway.SettledAsync(id);
        Assert.Equal("delivered", dispatch.State);
        Assert.True(dispatch.Attempts > 1);
        Assert.Equal("succeeded", (await gateway.EndAsync(dispatch.BecameInvocation!.Value)).State);
    }

    [Fact]
    public async Task Destination_NeverDeployed_IsGivenUpAtTheMaximumAgeAndSeen()
    {
        var (first, audit) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(first, $"onSuccess: {{ function: {audit} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        var id = await gateway.SubmitAsync(first);
        await Until.TrueAsync(async () => (await gateway.FindAsync(id)).Dispatches is [{ State: "waiting", Attempts: > 2 }], "it is tried again and again");

        await gateway.AgeAsync(id);

        var dispatch = await gateway.SettledAsync(id);
        Assert.Equal("dead", dispatch.State);
        Assert.Contains($"no function '{audit}'", dispatch.LastError);
        var dead = await gateway.Client.GetAsync($"/api/dispatches?function={first}&state=dead", ApiJson.Default.PageDispatchDescription);
        Assert.Equal(dispatch.InvocationId, Assert.Single(dead.Items).InvocationId);
    }

    [Fact]
    public async Task Destination_OfAnotherAccount_IsNotFound()
    {
        var (first, foreign) = (Api.NewName(), Api.NewName());
        await gateway.Stranger.DeployAsync(foreign);
        await gateway.Client.DeployAsync(first, $"onSuccess: {{ function: {foreign} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        var id = await gateway.SubmitAsync(first);

        await Until.TrueAsync(async () => (await gateway.FindAsync(id)).Dispatches is [{ LastError: not null }], "a delivery failed");
        Assert.DoesNotContain(worker.Taken, message => message.CausedBy == id);
    }

    [Fact]
    public async Task Loop_OfTwoFunctions_EndsAtTheMaximumDepthWithARefusal()
    {
        var (ping, pong) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(ping, $"onSuccess: {{ function: {pong} }}\n");
        await gateway.Client.DeployAsync(pong, $"onSuccess: {{ function: {ping} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        var current = await gateway.SubmitAsync(ping);
        for (var depth = 0; depth < 16; depth++)
        {
            var dispatch = await gateway.SettledAsync(current);
            Assert.Equal("delivered", dispatch.State);
            var next = await gateway.FindAsync(dispatch.BecameInvocation!.Value);
            Assert.Equal((depth + 1, current), (next.Depth!.Value, next.CausedBy!.Value));
            current = next.Id;
        }

        var refused = await gateway.SettledAsync(current);
        Assert.Equal(("dead", 1), (refused.State, refused.Attempts));
        Assert.Contains("16 are allowed", refused.LastError);
        Assert.Equal(17, worker.Taken.Count);
    }

    [Fact]
    public async Task Replay_WithDestinationsSuppressed_TellsNobodyAndWithoutTellsAgain()
    {
        var (first, audit) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(audit);
        await gateway.Client.DeployAsync(first, $"onSuccess: {{ function: {audit} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var id = await gateway.SubmitAsync(first);
        await gateway.SettledAsync(id);

        var (quiet, loud) = (await ReplayAsync(id, "?destinations=suppress"), await ReplayAsync(id, ""));

        var told = await gateway.SettledAsync(loud);
        Assert.Equal(("delivered", 1), (told.State, (await gateway.EndAsync(told.BecameInvocation!.Value)).Depth));
        Assert.Null((await gateway.EndAsync(quiet)).Dispatches);
    }

    private async Task<Guid> ReplayAsync(Guid id, string query)
    {
        using var answer = await gateway.Client.PostAsync($"/api/invocations/{id}/replay{query}", null);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        return (await answer.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
    }

    [Theory]
    [InlineData("state=lost", "state")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("limit=0", "limit")]
    [InlineData("function=A", "function")]
    public async Task List_WithAWrongParameter_NamesIt(string query, string field)
    {
        using var answer = await gateway.Client.GetAsync($"/api/dispatches?{query}");
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(field, Assert.Single(problem.Errors!).Field);
    }
}

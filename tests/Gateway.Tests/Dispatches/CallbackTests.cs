using System.Net;
using System.Text.Json.Nodes;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Dispatches;

public sealed class EmbeddedCallbackTests(EmbeddedDispatchGateway gateway) : CallbackTests(gateway), IClassFixture<EmbeddedDispatchGateway>;

public sealed class ClusterCallbackTests(ClusterDispatchGateway gateway) : CallbackTests(gateway), IClassFixture<ClusterDispatchGateway>;

public abstract class CallbackTests
{
    private readonly GatewayFixture gateway;

    protected CallbackTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Fact]
    public async Task Success_WithACallback_PostsTheAnswerWithIdAndStatus()
    {
        var name = await DeployAsync();
        await using var receiver = await CallbackReceiver.StartAsync(200);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult { ContentType = "text/plain", Body = "done"u8.ToArray() });

        var id = await gateway.SubmitAsync(name, callback: receiver.Url);

        var dispatch = await gateway.SettledAsync(id);
        Assert.Equal(("callback", "delivered", 1), (dispatch.Kind, dispatch.State, dispatch.Attempts));
        Assert.DoesNotContain("secret", dispatch.Target);
        var callback = Assert.Single(receiver.Taken);
        Assert.Equal(("POST", "/hook?secret=1", "done"), (callback.Method, callback.Path, callback.Body));
        Assert.Equal((id.ToString(), "succeeded", "1"), (callback.Headers["Faas-Invocation-Id"], callback.Headers["Faas-Status"], callback.Headers["Faas-Callback-Attempt"]));
        Assert.Equal("text/plain", callback.Headers["Content-Type"]);
        Assert.Equal(Assert.Single(worker.Taken, message => message.InvocationId == id).TraceParent![3..35], callback.Headers["traceparent"][3..35]);
        Assert.False(callback.Headers.ContainsKey("Faas-Error"));
    }

    [Fact]
    public async Task Failure_WithACallback_PostsTheErrorOnceItsRetriesAreOver()
    {
        var name = await DeployAsync();
        await using var receiver = await CallbackReceiver.StartAsync(204);
        await using var worker = await TestWorker.StartAsync(
            gateway, message => Task.FromResult(Outcome.Failed(message.Attempt == 1 ? TimeSpan.FromMilliseconds(10) : null)));

        await gateway.SettledAsync(await gateway.SubmitAsync(name, callback: receiver.Url));

        var callback = Assert.Single(receiver.Taken);
        Assert.Equal(("failed", "function_error", "application/json"), (callback.Headers["Faas-Status"], callback.Headers["Faas-Error"], callback.Headers["Content-Type"]));
        Assert.Equal("failed", (string?)JsonNode.Parse(callback.Body)!["errorMessage"]);
    }

    [Fact]
    public async Task Callback_ThatIsRefusedTwice_IsPostedUntilItIsTaken()
    {
        var name = await DeployAsync();
        await using var receiver = await CallbackReceiver.StartAsync(500, 429, 200);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult { Body = "x"u8.ToArray() });

        var dispatch = await gateway.SettledAsync(await gateway.SubmitAsync(name, callback: receiver.Url));

        Assert.Equal(("delivered", 3), (dispatch.State, dispatch.Attempts));
        Assert.Equal(["1", "2", "3"], receiver.Taken.Select(callback => callback.Headers["Faas-Callback-Attempt"]));
        Assert.Equal(["x", "x", "x"], receiver.Taken.Select(callback => callback.Body));
    }

    [Fact]
    public async Task Callback_ThatIsNeverTaken_IsDeadAndCanBeSentAgain()
    {
        var name = await DeployAsync();
        var isRepaired = false;
        await using var receiver = await CallbackReceiver.StartAsync((context, _) =>
        {
            context.Response.StatusCode = isRepaired ? 200 : 503;
            return Task.CompletedTask;
        });
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult { Body = "x"u8.ToArray() });
        var id = await gateway.SubmitAsync(name, callback: receiver.Url);
        await Until.TrueAsync(async () => (await gateway.FindAsync(id)).Dispatches is [{ State: "waiting", Attempts: > 3 }], "it is tried again and again");

        await gateway.AgeAsync(id);

        var dead = await gateway.SettledAsync(id);
        Assert.Equal("dead", dead.State);
        Assert.Equal("The receiver answered 503; expected 200 to 299.", dead.LastError);
        using (var foreign = await gateway.Stranger.PostAsync($"/api/dispatches/{id}/callback/resend", null))
        {
            await foreign.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        isRepaired = true;
        using var answer = await gateway.Client.PostAsync($"/api/dispatches/{id}/callback/resend", null);

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.NotEqual("dead", (await answer.ReadAsync(ApiJson.Default.DispatchDescription)).State);
        Assert.Equal("delivered", (await gateway.SettledAsync(id)).State);
        using var again = await gateway.Client.PostAsync($"/api/dispatches/{id}/callback/resend", null);
        Assert.Contains("delivered", (await again.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
    }

    [Fact]
    public async Task Callback_ThatIsGone_IsGivenUpAtOnce()
    {
        var name = await DeployAsync();
        await using var receiver = await CallbackReceiver.StartAsync(410);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        var dispatch = await gateway.SettledAsync(await gateway.SubmitAsync(name, callback: receiver.Url));

        Assert.Equal(("dead", 1), (dispatch.State, dispatch.Attempts));
    }

    [Fact]
    public async Task Callback_ThatRedirects_IsNotFollowed()
    {
        var name = await DeployAsync();
        await using var receiver = await CallbackReceiver.StartAsync((context, _) =>
        {
            context.Response.Redirect("/elsewhere");
            return Task.CompletedTask;
        });
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        var dispatch = await gateway.PutOffAsync(await gateway.SubmitAsync(name, callback: receiver.Url));

        Assert.Contains("redirect", dispatch.LastError);
        Assert.DoesNotContain(receiver.Taken, callback => callback.Path.Contains("elsewhere"));
    }

    [Fact]
    public async Task Callback_ToWhoNeverAnswers_EndsWithItsTimeoutAndHoldsUpNobody()
    {
        var name = await DeployAsync();
        using var end = new CancellationTokenSource();
        await using var hole = await CallbackReceiver.StartAsync(async (_, _) => await Task.Delay(Timeout.Infinite, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing));
        await using var receiver = await CallbackReceiver.StartAsync(200);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var stuck = await gateway.SubmitAsync(name, callback: hole.Url);
        await Until.TrueAsync(() => !hole.Taken.IsEmpty, "the receiver that never answers is asked");

        var delivered = await gateway.SettledAsync(await gateway.SubmitAsync(name, callback: receiver.Url));

        Assert.Equal("delivered", delivered.State);
        Assert.Contains($"within {DispatchSettings.Timeout.TotalSeconds:0} s", (await gateway.PutOffAsync(stuck)).LastError);
        await end.CancelAsync();
    }

    [Fact]
    public async Task Cancellation_OfAWaitingCall_IsToldToItsCallback()
    {
        var name = await DeployAsync();
        await using var receiver = await CallbackReceiver.StartAsync(200);
        var id = await gateway.SubmitAsync(name, callback: receiver.Url);
        await Until.TrueAsync(async () => (await gateway.FindAsync(id)).State == "queued", "it waits");

        using var answer = await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null);

        answer.EnsureSuccessStatusCode();
        await gateway.SettledAsync(id);
        Assert.Equal("cancelled", Assert.Single(receiver.Taken).Headers["Faas-Status"]);
    }

    [Theory]
    [InlineData("/relative")]
    [InlineData("ftp://example.com/")]
    [InlineData("http:///path")]
    [InlineData("http://user:password@example.com/")]
    [InlineData("http://example.com/#part")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://0x7f.2/")]
    [InlineData("http://2130706434/")]
    [InlineData("http://[::ffff:127.0.0.2]/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[fd00::1]/")]
    public async Task Call_WithAUrlThatIsNoneOrPrivate_NamesTheHeader(string url)
    {
        var name = await DeployAsync();
        await RefusedAsync(gateway.Client, $"/api/functions/{name}/invocations", url, isAsynchronous: true);
    }

    [Fact]
    public async Task Call_WithACallbackThatWaitsItself_NamesTheHeader()
    {
        var name = await DeployAsync();
        Assert.Contains("asynchronous", await RefusedAsync(gateway.Client, $"/api/functions/{name}/invocations", "https://example.com/", isAsynchronous: false));
    }

    [Fact]
    public async Task Call_OfAnOpenUrlWithoutAKey_MayNotHaveACallback()
    {
        var name = await DeployAsync("url: { auth: none }\n");
        Assert.Contains("key", await RefusedAsync(gateway.Anonymous, $"/fn/{name}/", "https://example.com/", isAsynchronous: true));
    }

    private static async Task<string> RefusedAsync(HttpClient client, string path, string url, bool isAsynchronous)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("{}") };
        request.Headers.TryAddWithoutValidation("Faas-Callback-Url", url);
        if (isAsynchronous)
        {
            request.Headers.Add("Prefer", "respond-async");
        }

        using var answer = await client.SendAsync(request);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal("Faas-Callback-Url", Assert.Single(problem.Errors!).Field);
        return problem.Errors![0].Message;
    }

    private async Task<string> DeployAsync(string rest = "")
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, rest);
        return name;
    }
}

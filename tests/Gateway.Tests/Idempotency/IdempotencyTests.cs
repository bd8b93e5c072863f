using System.Net;
using System.Text;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Idempotency;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Storage.Idempotency;
using FaasCluster.Storage.Invocations;
using Microsoft.AspNetCore.Http;

namespace FaasCluster.Gateway.Tests.Idempotency;

public sealed class EmbeddedIdempotencyTests(EmbeddedGateway gateway) : IdempotencyTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterIdempotencyTests(ClusterGateway gateway) : IdempotencyTests(gateway), IClassFixture<ClusterGateway>;

public abstract class IdempotencyTests
{
    private readonly GatewayFixture gateway;

    protected IdempotencyTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Theory]
    [InlineData("/fn/{0}/path?x=1")]
    [InlineData("/api/functions/{0}/invocations")]
    public async Task Asynchronous_SentManyTimesAtOnce_IsOneInvocation(string path)
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        var key = Guid.NewGuid().ToString();

        var responses = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => SendAsync(string.Format(path, name), "body", key)));

        Assert.All(responses, response => Assert.Equal(HttpStatusCode.Accepted, response.StatusCode));
        Assert.Single((await Task.WhenAll(responses.Select(response => response.ReadAsync(ApiJson.Default.AcceptedDescription)))).Select(accepted => accepted.Id).Distinct());
        Assert.Equal(9, responses.Count(response => response.Headers.Contains("Idempotent-Replayed")));
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        await Until.TrueAsync(() => Taken(worker, function) > 0, "the worker takes it");
        var behind = await IdAsync(await SendAsync(string.Format(path, name), "body", Guid.NewGuid().ToString()));
        await Until.TrueAsync(() => worker.Taken.Any(message => message.InvocationId == behind), "the worker takes the one behind it");
        Assert.Equal(2, Taken(worker, function));
    }

    [Fact]
    public async Task Asynchronous_WithAnotherRequestUnderTheSameKey_Is422()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var key = Guid.NewGuid().ToString();
        var id = await IdAsync(await SendAsync($"/fn/{name}/a", "body", key));

        foreach (var (path, body, delay) in new[] { ($"/fn/{name}/a", "other", ""), ($"/fn/{name}/b", "body", ""), ($"/api/functions/{name}/invocations", "body", ""), ($"/fn/{name}/a", "body", "1h") })
        {
            using var response = await SendAsync(path, body, key, delay: delay);
            var problem = await response.ProblemAsync(HttpStatusCode.UnprocessableEntity, "validation_failed");
            Assert.Equal(("Idempotency-Key", id), (Assert.Single(problem.Errors!).Field, problem.InvocationId));
        }

        // And of a synchronous call, which is another request as well.
        using var call = await SendAsync($"/fn/{name}/a", "body", key, isAsynchronous: false);
        await call.ProblemAsync(HttpStatusCode.UnprocessableEntity, "validation_failed");
    }

    [Fact]
    public async Task Key_IsOfOneFunctionAndOneAccount()
    {
        var (name, other) = (Api.NewName(), Api.NewName());
        await gateway.Client.DeployAsync(name);
        await gateway.Client.DeployAsync(other);
        await gateway.Stranger.DeployAsync(name);
        var key = Guid.NewGuid().ToString();

        var ids = new[]
        {
            await IdAsync(await SendAsync($"/api/functions/{name}/invocations", "x", key)),
            await IdAsync(await SendAsync($"/api/functions/{other}/invocations", "x", key)),
            await IdAsync(await SendAsync($"/api/functions/{name}/invocations", "x", key, client: gateway.Stranger)),
        };

        Assert.Equal(3, ids.Distinct().Count());
    }

    [Fact]
    public async Task Key_OfStrangersToAnOpenUrl_IsOfTheirCredentialsToo()
    {
        // Otherwise whoever guesses a key would read somebody else's answer.
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name, "url: { auth: none }\n");
        await using var worker = await TestWorker.StartAsync(
            gateway, message => new InvocationResult
            {
                Body = Encoding.UTF8.GetBytes(message.Http?.Headers.FirstOrDefault(header => header.Key == "cookie").Value ?? ""),
                ContentType = "text/plain",
            });

        foreach (var cookie in new[] { "user=ada", "user=bob", "user=ada" })
        {
            using var response = await SendAsync($"/fn/{name}", "x", "1", isAsynchronous: false, client: gateway.Anonymous, cookie: cookie);
            Assert.Equal(cookie, await response.Content.ReadAsStringAsync());
        }

        Assert.Equal(2, Taken(worker, function));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault05_KeyThatADeadGatewayReserved_GivesTheSameId(bool wasPublished)
    {
        // What a gateway leaves behind that dies after the reservation, or after the broker's confirm and the row.
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        var key = Guid.NewGuid().ToString();
        var now = DateTimeOffset.UtcNow;
        var message = new InvocationMessage
        {
            InvocationId = Guid.CreateVersion7(now),
            FunctionId = function.Id,
            Revision = 1,
            AccountId = "default",
            Kind = InvocationKind.Asynchronous,
            Trigger = TriggerKind.Api,
            AcceptedAt = now,
            DueAt = now,
            Deadline = now.AddHours(6),
            ContentType = "text/plain; charset=utf-8",
            Body = "x"u8.ToArray(),
        };
        var context = new DefaultHttpContext { User = new AccountPrincipal("default") };
        var claim = new IdempotencyClaim
        {
            FunctionId = function.Id,
            AccountId = "default",
            KeySha256 = RequestDigest.OfKey(context, key),
            RequestSha256 = RequestDigest.Of(context.Request, message),
            InvocationId = message.InvocationId,
            BusyUntil = now.AddSeconds(1),
            ExpiresAt = now.AddHours(1),
        };
        Assert.Null(await gateway.Get<IIdempotencyStore>().ClaimAsync(claim, CancellationToken.None));
        if (wasPublished)
        {
            await gateway.Get<IInvocationStore>().AcceptAsync([new AcceptedInvocation { Message = message, FunctionName = name }], CancellationToken.None);
        }

        using var again = await SendAsync($"/api/functions/{name}/invocations", "x", key);

        Assert.Equal(message.InvocationId, await IdAsync(again));
        Assert.Equal(wasPublished, again.Headers.Contains("Idempotent-Replayed"));
        Assert.True(wasPublished || DateTimeOffset.UtcNow >= claim.BusyUntil, "it did not wait for the other gateway");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var behind = await IdAsync(await SendAsync($"/api/functions/{name}/invocations", "behind", Guid.NewGuid().ToString()));
        await Until.TrueAsync(() => worker.Taken.Any(taken => taken.InvocationId == behind), "the worker takes the one behind it");
        Assert.Equal(wasPublished ? 0 : 1, worker.Taken.Count(taken => taken.InvocationId == message.InvocationId));
    }

    [Theory]
    [InlineData("/fn/{0}/path", 201, 10)]
    [InlineData("/api/functions/{0}/invocations", null, Limits.RecordedResultBytes + 1)]
    public async Task Call_SentAgain_IsAnsweredAsItWasWithoutARun(string path, int? status, int bytes)
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        var runs = 0;
        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult
        {
            HttpStatus = status,
            Headers = [new("x-run", $"{(message.FunctionId == function.Id ? ++runs : 0)}")],
            ContentType = "text/plain",
            Body = Encoding.UTF8.GetBytes(new string((char)('0' + runs), bytes)),
        });
        var key = Guid.NewGuid().ToString();

        using var first = await SendAsync(string.Format(path, name), "x", key, isAsynchronous: false);
        using var second = await SendAsync(string.Format(path, name), "x", $"\"{key}\"", isAsynchronous: false);

        Assert.Equal((status ?? 200, status ?? 200), ((int)first.StatusCode, (int)second.StatusCode));
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        foreach (var header in new[] { "Faas-Invocation-Id", "Faas-Billed-Duration", "x-run" }.Where(first.Headers.Contains))
        {
            Assert.Equal(first.Headers.GetValues(header), second.Headers.GetValues(header));
        }

        Assert.Equal((false, true), (first.Headers.Contains("Idempotent-Replayed"), second.Headers.Contains("Idempotent-Replayed")));
        Assert.Equal(1, Taken(worker, function));
    }

    [Fact]
    public async Task Call_ThatFailed_IsAnsweredAsItWas()
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));
        var key = Guid.NewGuid().ToString();
        Guid? id = null;

        for (var i = 0; i < 2; i++)
        {
            using var response = await SendAsync($"/fn/{name}", "x", key, isAsynchronous: false);
            var problem = await response.ProblemAsync(HttpStatusCode.BadGateway, "function_error");
            Assert.Equal(("Error", "failed"), (problem.ErrorType, problem.Detail));
            Assert.Equal(id ??= problem.InvocationId, problem.InvocationId);
        }

        Assert.Equal(1, Taken(worker, function));
    }

    [Fact]
    public async Task Call_SentAgainWhileItRuns_Is409UntilItIsAnswered()
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        var running = new TaskCompletionSource<Guid>(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TestWorker.StartAsync(
            gateway,
            async message =>
            {
                if (message.FunctionId == function.Id)
                {
                    running.TrySetResult(message.InvocationId);
                    await goOn.Task;
                }

                return Outcome.Good;
            },
            says: true);
        var key = Guid.NewGuid().ToString();
        var call = SendAsync($"/fn/{name}", "x", key, isAsynchronous: false);
        var id = await running.Task.WaitAsync(TimeSpan.FromMinutes(2));

        using (var again = await SendAsync($"/fn/{name}", "x", key, isAsynchronous: false))
        {
            Assert.Equal(id, (await again.ProblemAsync(HttpStatusCode.Conflict, "conflict")).InvocationId);
            Assert.NotNull(again.Headers.RetryAfter);
        }

        goOn.SetResult();
        using var answer = await call;
        using var after = await SendAsync($"/fn/{name}", "x", key, isAsynchronous: false);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (answer.StatusCode, after.StatusCode));
        Assert.Equal(1, Taken(worker, function));
    }

    [Fact]
    public async Task Call_ThatNobodyHadRoomFor_MayBeSentAgain()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var key = Guid.NewGuid().ToString();
        var error = new InvocationError { Code = ErrorCode.NoCapacity, Message = "no room" };
        var isFull = true;
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(isFull ? new Outcome(null, error) { IsRefused = true } : Outcome.Good));
        using (var refused = await SendAsync($"/fn/{name}", "x", key, isAsynchronous: false))
        {
            await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "no_capacity");
        }

        isFull = false;
        using var again = await SendAsync($"/fn/{name}", "x", key, isAsynchronous: false);

        Assert.Equal((HttpStatusCode.OK, false), (again.StatusCode, again.Headers.Contains("Idempotent-Replayed")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("\"\"")]
    public async Task Fault24_WrongKey_Is400ThatNamesTheHeader(string key)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        foreach (var wrong in new[] { key, new string('x', 256) })
        {
            using var response = await SendAsync($"/fn/{name}", "x", wrong);
            Assert.Equal("Idempotency-Key", Assert.Single((await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed")).Errors!).Field);
        }
    }

    // Other tests of the class leave theirs behind.
    private static int Taken(TestWorker worker, FunctionDescription function) => worker.Taken.Count(message => message.FunctionId == function.Id);

    private async Task<HttpResponseMessage> SendAsync(
        string path, string body, string key, bool isAsynchronous = true, HttpClient? client = null, string delay = "", string? cookie = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        if (isAsynchronous)
        {
            request.Headers.Add("Prefer", "respond-async");
        }

        if (delay.Length > 0)
        {
            request.Headers.Add("Faas-Delay", delay);
        }

        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        return await (client ?? gateway.Client).SendAsync(request);
    }

    private static async Task<Guid> IdAsync(HttpResponseMessage response)
    {
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync());
        return (await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Invocations;

public sealed class EmbeddedSynchronousTests(EmbeddedGateway gateway) : SynchronousTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterSynchronousTests(ClusterGateway gateway) : SynchronousTests(gateway), IClassFixture<ClusterGateway>
{
    [Fact]
    public async Task Fault01_CallWhoseWorkerDies_Is502AndRecordedAsLost()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "timeout: 300s");
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var worker = await TestWorker.StartAsync(
            gateway,
            async _ =>
            {
                taken.SetResult();
                await goOn.Task;
                return Outcome.Good;
            },
            says: true);
        var call = gateway.Client.GetAsync($"/fn/{name}");
        await taken.Task;
        await worker.DieAsync();
        using (var response = await call)
        {
            var problem = await response.ProblemAsync(HttpStatusCode.BadGateway, "worker_lost");

            // The answer waits for its record, but no longer than a second.
            var described = await Until.NotNullAsync(() => FindAsync(problem.InvocationId), "the lost call is recorded");
            Assert.Equal(("lost", "worker_lost"), (described.State, described.Error!.Code));
            Assert.Contains(worker.Id, described.Error.Message);
            Assert.Equal(0, Assert.Single(described.Attempts!).BilledMs);
        }

        // It was cut off rather than dead: what it records late changes nothing.
        goOn.SetResult();
        await worker.EndAsync();
        var page = await gateway.Client.GetAsync($"/api/invocations?function={name}", ApiJson.Default.PageInvocationDescription);
        Assert.Equal("lost", Assert.Single(page.Items).State);

        async Task<InvocationDescription?> FindAsync(Guid? id)
        {
            using var found = await gateway.Client.GetAsync($"/api/invocations/{id}");
            return found.StatusCode == HttpStatusCode.NotFound ? null : await found.ReadAsync(ApiJson.Default.InvocationDescription);
        }
    }
}

public abstract class SynchronousTests
{
    private readonly GatewayFixture gateway;

    protected SynchronousTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Fact]
    public async Task Url_Called_HandsTheRequestOverAndTheAnswerBack()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult
        {
            HttpStatus = 418,
            Headers = [new("X-Answer", "yes"), new("Set-Cookie", "a=1"), new("Set-Cookie", "b=2"), new("Connection", "X-Hop"), new("X-Hop", "1"), new("Faas-Error", "forged")],
            ContentType = "text/plain; charset=utf-8",
            Body = Encoding.UTF8.GetBytes($"{message.Http!.Method} {Encoding.UTF8.GetString(message.Body.Span)}"),
        });
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/fn/{name}/a%2Fb/c%20d?x=1&y=%C3%A9") { Content = new StringContent("hällo") };
        request.Headers.Add("X-Ask", ["one", "two"]);
        request.Headers.Add("TE", "trailers");
        request.Headers.Add("Keep-Alive", "timeout=5");
        request.Headers.Add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        using var response = await gateway.Client.SendAsync(request);

        Assert.Equal(418, (int)response.StatusCode);
        Assert.Equal("PUT hällo", await response.Content.ReadAsStringAsync());
        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("yes", response.Headers.GetValues("X-Answer").Single());
        Assert.Equal(["a=1", "b=2"], response.Headers.GetValues("Set-Cookie"));
        Assert.False(response.Headers.Contains("X-Hop"));
        Assert.False(response.Headers.Contains("Faas-Error"));
        Assert.False(response.Headers.Contains("Server"));
        Assert.Equal("warm", response.Headers.GetValues("Faas-Start").Single());
        Assert.Equal("2", response.Headers.GetValues("Faas-Billed-Duration").Single());
        Assert.Equal("queue;dur=1, start;dur=0, init;dur=0, run;dur=2", response.Headers.GetValues("Server-Timing").Single());
        Assert.StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-", response.Headers.GetValues("traceparent").Single());

        var message = Assert.Single(worker.Taken);
        var http = message.Http!;
        Assert.Equal(("PUT", "/a%2Fb/c%20d", "x=1&y=%C3%A9", $"/fn/{name}"), (http.Method, http.Path, http.Query, http.PathBase));
        Assert.Equal(("127.0.0.1", "HTTP/1.1", "http", gateway.Address.Authority), (http.SourceIp, http.Protocol, http.Scheme, http.Host));
        Assert.All(http.Headers, header => Assert.Equal(header.Key.ToLowerInvariant(), header.Key));
        Assert.Contains(http.Headers, header => header.Key == "x-ask" && header.Value.StartsWith("one"));
        Assert.DoesNotContain(http.Headers, header => header.Key is "authorization" or "te" or "keep-alive" or "connection");
        Assert.Equal("text/plain; charset=utf-8", message.ContentType);
        Assert.StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-", message.TraceParent);
        Assert.Equal(response.Headers.GetValues("Faas-Invocation-Id").Single(), message.InvocationId.ToString());

        var described = await gateway.Client.GetAsync($"/api/invocations/{message.InvocationId}", ApiJson.Default.InvocationDescription);
        Assert.Equal(("succeeded", "synchronous", "http", name), (described.State, described.Kind, described.Trigger, described.Function));
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", Assert.Single(described.Attempts!).TraceId);
        Assert.Equal(418, described.Result!.Status);
    }

    [Theory]
    [InlineData("", "/")]
    [InlineData("/", "/")]
    [InlineData("//", "//")]
    [InlineData("/a/../b", "/b")]
    [InlineData("/%2e%2e/x", null)]
    public async Task Url_WithOddPaths_GivesThePathBelowTheFunction(string below, string? expected)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var answer = await RawAsync($"GET /fn/{name}{below} HTTP/1.1\r\nHost: x\r\nFaas-Key: {GatewayFixture.Key}\r\nConnection: close\r\n\r\n");
        if (expected is null)
        {
            // "/fn/{name}/../x" is "/fn/x", which is another function.
            Assert.StartsWith("HTTP/1.1 404", answer);
            Assert.Empty(worker.Taken);
            return;
        }

        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Equal(expected, Assert.Single(worker.Taken).Http!.Path);
    }

    [Fact]
    public async Task Api_Invoked_AnswersThePayloadAsItIs()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(
            gateway, message => new InvocationResult { HttpStatus = 500, Headers = [new("X-No", "1")], ContentType = "application/octet-stream", Body = message.Body });
        var bytes = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        using var response = await gateway.Client.PostAsync($"/api/functions/{name}/invocations", new ByteArrayContent(bytes));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType!.ToString());
        Assert.False(response.Headers.Contains("X-No"));
        Assert.Null(Assert.Single(worker.Taken).Http);
        Assert.Equal(TriggerKind.Api, worker.Taken.Single().Trigger);
    }

    [Fact]
    public async Task Head_OfAUrl_HasNoBody()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult { Body = new byte[5] });
        var answer = await RawAsync($"HEAD /fn/{name} HTTP/1.1\r\nHost: x\r\nFaas-Key: {GatewayFixture.Key}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Contains("Content-Length: 5", answer);
        Assert.EndsWith("\r\n\r\n", answer);
    }

    [Fact]
    public async Task Error_OfTheFunction_IsAProblemWithItsFrames()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "url: { auth: none }");
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(new Outcome(null, new InvocationError
        {
            Code = ErrorCode.FunctionError,
            Type = "ValueError",
            Message = "no such secret",
            StackTrace = ["app.py:3 in handler"],
        })));
        using (var response = await gateway.Client.GetAsync($"/fn/{name}"))
        {
            var problem = await response.ProblemAsync(HttpStatusCode.BadGateway, "function_error");
            Assert.Equal(("function", "ValueError", "no such secret"), (problem.Fault, problem.ErrorType, problem.Detail));
            Assert.Equal(["app.py:3 in handler"], problem.StackTrace);
            Assert.Equal(response.Headers.GetValues("Faas-Invocation-Id").Single(), problem.InvocationId.ToString());
            Assert.Equal(32, problem.TraceId!.Length);
        }

        // A stranger at an open URL learns that it failed, not how.
        using (var response = await gateway.Anonymous.GetAsync($"/fn/{name}"))
        {
            var problem = await response.ProblemAsync(HttpStatusCode.BadGateway, "function_error");
            Assert.Equal((null, null, null), (problem.ErrorType, problem.Detail, problem.StackTrace));
        }
    }

    [Fact]
    public async Task OpenUrl_WithoutAKey_KeepsTheCallersOwnCredentials()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "url: { auth: none }");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/fn/{name}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "a-token-of-the-functions-own");
        using var response = await gateway.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains(Assert.Single(worker.Taken).Http!.Headers, header => header.Key == "authorization" && header.Value.EndsWith("functions-own"));
    }

    [Fact]
    public async Task FaasKey_BesideAuthorization_LeavesTheLatterToTheFunction()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/fn/{name}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "own");
        request.Headers.Add("Faas-Key", GatewayFixture.Key);
        using var response = await gateway.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var headers = Assert.Single(worker.Taken).Http!.Headers;
        Assert.Contains(headers, header => header.Key == "authorization");
        Assert.DoesNotContain(headers, header => header.Value.Contains(GatewayFixture.Key));
    }

    public static TheoryData<string, int?, string, string, int> BadAnswers => new()
    {
        { "status", 999, "X", "1", 0 },
        { "status", 100, "X", "1", 0 },
        { "X-Split", null, "X-Split", "a\r\nSet-Cookie: evil=1", 0 },
        { "name", null, "X Bad", "1", 0 },
        { "name", null, "X:Bad\r\n", "1", 0 },
        { "name", null, "", "1", 0 },
        { "X-Nul", null, "X-Nul", "a\0b", 0 },
        { "X-Wide", null, "X-Wide", "\u4f60", 0 },
        { "Content-Length", null, "Content-Length", "5", 3 },
        { "Content-Length", null, "Content-Length", "-1", 3 },
        { "header fields", null, "X-Big", new string('x', 1 << 20), 0 },
    };

    [Theory]
    [MemberData(nameof(BadAnswers))]
    public async Task Fault22_AnswerThatIsNoHttp_Is502OnACleanConnection(string about, int? status, string header, string value, int length)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var bad = true;
        await using var worker = await TestWorker.StartAsync(
            gateway, _ => bad ? new InvocationResult { HttpStatus = status, Headers = [new(header, value)], Body = new byte[length] } : new InvocationResult { Body = "fine"u8.ToArray() });
        using (var response = await gateway.Client.GetAsync($"/fn/{name}"))
        {
            var problem = await response.ProblemAsync(HttpStatusCode.BadGateway, "invalid_response");
            Assert.Contains(about, problem.Detail);
            Assert.False(response.Headers.Contains("Set-Cookie"));
        }

        bad = false;
        Assert.Equal("fine", await gateway.Client.GetStringAsync($"/fn/{name}"));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    public async Task Answer_WithoutABodyByItsStatus_HasNone(int status)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult { HttpStatus = status, Body = "surplus"u8.ToArray() });
        using var response = await gateway.Client.GetAsync($"/fn/{name}");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Body_OfMoreThanTheLimit_Is413(bool chunked)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult { Body = Encoding.UTF8.GetBytes($"{message.Body.Length}") });
        foreach (var (length, fits) in new[] { (Contracts.Limits.SynchronousPayloadBytes, true), (Contracts.Limits.SynchronousPayloadBytes + 1, false), (20 << 20, false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/fn/{name}") { Content = new ByteArrayContent(new byte[length]) };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await gateway.Client.SendAsync(request);
            if (fits)
            {
                Assert.Equal($"{length}", await response.Content.ReadAsStringAsync());
            }
            else
            {
                await response.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
            }
        }

        Assert.Single(worker.Taken);
    }

    [Fact]
    public async Task Call_ThatNobodyTakes_Is504AfterTheWaitTimeout()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "waitTimeout: 1s\ninitTimeout: 1ms\ntimeout: 1ms");
        using var response = await gateway.Client.GetAsync($"/fn/{name}");
        var problem = await response.ProblemAsync(HttpStatusCode.GatewayTimeout, "wait_timeout");
        Assert.Contains("waitTimeout", problem.Detail);
    }

    [Fact]
    public async Task Call_InFlight_IsDescribed()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var taken = new TaskCompletionSource<Guid>(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await TestWorker.StartAsync(gateway, async message =>
        {
            taken.SetResult(message.InvocationId);
            await goOn.Task;
            return new Outcome(new InvocationResult(), null);
        });
        var call = gateway.Client.GetAsync($"/fn/{name}");
        var id = await taken.Task;
        var described = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
        Assert.Equal(("queued", name), (described.State, described.Function));
        using (var foreign = await gateway.Stranger.GetAsync($"/api/invocations/{id}"))
        {
            await foreign.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        goOn.SetResult();
        (await call).Dispose();
        described = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
        Assert.Equal("succeeded", described.State);
    }

    [Fact]
    public async Task Fault20_DeployWhileCalled_AnswersEveryCallByOneOfItsRevisions()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        await using var worker = await TestWorker.StartAsync(gateway, message => new InvocationResult { Body = Encoding.UTF8.GetBytes($"{message.Revision}") });
        Assert.Equal("1", await gateway.Client.GetStringAsync($"/fn/{name}"));
        await gateway.Client.DeployAsync(name);

        // The gateway that deployed hears of it at once, whatever it had cached.
        Assert.Equal("2", await gateway.Client.GetStringAsync($"/fn/{name}"));
        using (await gateway.Client.DeleteAsync($"/api/functions/{name}"))
        {
        }

        using var response = await gateway.Client.GetAsync($"/fn/{name}");
        await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
    }

    private async Task<string> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.Address.Host, gateway.Address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }
}

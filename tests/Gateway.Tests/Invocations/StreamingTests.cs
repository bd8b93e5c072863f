using System.Net;
using System.Text;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Messaging;

namespace FaasCluster.Gateway.Tests.Invocations;

public sealed class EmbeddedStreamingTests(EmbeddedGateway gateway) : StreamingTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterStreamingTests(ClusterGateway gateway) : StreamingTests(gateway), IClassFixture<ClusterGateway>;

/// <summary>Answers in pieces, as an HTTP client sees them.</summary>
public abstract class StreamingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly InvocationResult Events = new()
    {
        HttpStatus = 201,
        Headers = [new("X-One", "1"), new("Connection", "X-Hop"), new("X-Hop", "1"), new("Content-Length", "3"), new("Faas-Error", "forged")],
        ContentType = "text/event-stream",
    };

    private readonly GatewayFixture gateway;

    protected StreamingTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
    }

    [Fact]
    public async Task Pieces_OfAUrl_ArriveOneByOneAndEndWithTheRecord()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await StartAsync(Events, async answer =>
        {
            await WriteAsync(answer, "data: 1\n\n");
            await goOn.Task.WaitAsync(Patience);
            await WriteAsync(answer, "data: 2\n\n");
        });

        using var response = await gateway.Client.GetAsync($"/fn/{worker.Name}", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        Assert.Equal((HttpStatusCode.Created, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        Assert.Equal("1", response.Headers.GetValues("X-One").Single());
        Assert.Equal("queue;dur=1, start;dur=0, init;dur=0", response.Headers.GetValues("Server-Timing").Single());
        Assert.True(response.Headers.TransferEncodingChunked);
        Assert.Null(response.Content.Headers.ContentLength);
        Assert.All(new[] { "X-Hop", "Faas-Error", "Faas-Billed-Duration" }, name => Assert.False(response.Headers.Contains(name)));
        using var body = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("data: 1", await body.ReadLineAsync().WaitAsync(Patience));
        var id = response.Headers.GetValues("Faas-Invocation-Id").Single();
        Assert.Equal("queued", (await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).State);

        goOn.SetResult();
        Assert.Equal("\ndata: 2\n\n", await body.ReadToEndAsync().WaitAsync(Patience));
        Assert.Equal("succeeded", (await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription)).State);
    }

    [Fact]
    public async Task Pieces_OfTheApi_HaveNeitherStatusNorHeadersOfTheFunction()
    {
        await using var worker = await StartAsync(Events, answer => WriteAsync(answer, "data: 1\n\n"));

        using var response = await gateway.Client.PostAsync($"/api/functions/{worker.Name}/invocations", new StringContent("{}"));
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        Assert.False(response.Headers.Contains("X-One"));
        Assert.Equal("data: 1\n\n", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Error_InMidStream_AbortsTheConnectionBehindWhatWasWritten()
    {
        var boom = new InvocationError { Code = ErrorCode.FunctionError, Message = "boom" };
        var isRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await StartAsync(
            Events,
            async answer =>
            {
                await WriteAsync(answer, "data: 1\n\n");
                await isRead.Task.WaitAsync(Patience);
            },
            boom);

        using var response = await gateway.Client.GetAsync($"/fn/{worker.Name}", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        await using var body = await response.Content.ReadAsStreamAsync();
        var first = new byte[9];
        await body.ReadExactlyAsync(first).AsTask().WaitAsync(Patience);
        Assert.Equal("data: 1\n\n", Encoding.ASCII.GetString(first));

        // An abort takes back what is still on its way.
        isRead.SetResult();
        await Assert.ThrowsAnyAsync<IOException>(() => body.ReadAsync(first).AsTask().WaitAsync(Patience));
        var id = response.Headers.GetValues("Faas-Invocation-Id").Single();
        Assert.Equal(("failed", "boom"), await EndAsync(id));
    }

    [Fact]
    public async Task Caller_WhoLeaves_EndsTheRunAndFindsItsRecord()
    {
        await using var worker = await StartAsync(Events, async answer =>
        {
            while (true)
            {
                await WriteAsync(answer, "data: 1\n\n");
            }
        });
        string id;
        using (var response = await gateway.Client.GetAsync($"/fn/{worker.Name}", HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience))
        {
            id = response.Headers.GetValues("Faas-Invocation-Id").Single();
        }

        // The id that it was given is known at every moment.
        Assert.Equal("killed", (await EndAsync(id)).Message);
        await Until.TrueAsync(() => worker.Worker.Refusals.SequenceEqual([ErrorCode.CallerLeft]), "the worker hears why");
    }

    [Fact]
    public async Task Head_OfAnAnswerInPieces_HasNoBody()
    {
        await using var worker = await StartAsync(Events, answer => WriteAsync(answer, new string('x', 1_000_000)));

        using var request = new HttpRequestMessage(HttpMethod.Head, $"/fn/{worker.Name}");
        using var response = await gateway.Client.SendAsync(request).WaitAsync(Patience);
        Assert.Equal((HttpStatusCode.Created, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("succeeded", (await EndAsync(response.Headers.GetValues("Faas-Invocation-Id").Single())).State);
    }

    [Fact]
    public async Task Head_ThatIsNoHttp_Is502AndEndsTheRun()
    {
        await using var worker = await StartAsync(Events with { Headers = [new("X-Bad", "a\r\nSet-Cookie: forged=1")] }, async answer =>
        {
            while (true)
            {
                await WriteAsync(answer, "data: 1\n\n");
            }
        });

        using var response = await gateway.Client.GetAsync($"/fn/{worker.Name}").WaitAsync(Patience);
        var problem = await response.ProblemAsync(HttpStatusCode.BadGateway, "invalid_response");
        Assert.Contains("X-Bad", problem.Detail);
        Assert.False(response.Headers.Contains("Set-Cookie"));
        await Until.TrueAsync(() => worker.Worker.Refusals.SequenceEqual([ErrorCode.InvalidResponse]), "the worker hears why");
    }

    [Fact]
    public async Task Call_WithAnIdempotencyKey_IsAnsweredInOnePiece()
    {
        await using var worker = await StartAsync(Events with { Headers = [], Body = "whole"u8.ToArray() }, answer => WriteAsync(answer, "pieces"));

        using var request = new HttpRequestMessage(HttpMethod.Post, $"/fn/{worker.Name}") { Content = new StringContent("{}") };
        request.Headers.Add("Idempotency-Key", "one");
        using var response = await gateway.Client.SendAsync(request).WaitAsync(Patience);
        Assert.Equal("whole", await response.Content.ReadAsStringAsync());
    }

    private async Task<(string State, string? Message)> EndAsync(string id)
    {
        InvocationDescription? found = null;
        await Until.TrueAsync(
            async () =>
            {
                found = await gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
                return found.State is not ("queued" or "running");
            },
            "it ended");
        return (found!.State, found.Error?.Message);
    }

    private async Task<Streamer> StartAsync(InvocationResult head, Func<IAnswerStream, Task> write, InvocationError? error = null)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, "timeout: 300s");
        return new Streamer(name, await TestWorker.StartAsync(gateway, _ => Task.FromResult(new Outcome(head, error) { Stream = write })));
    }

    private static Task WriteAsync(IAnswerStream answer, string text) => answer.WriteAsync(Encoding.UTF8.GetBytes(text), CancellationToken.None).AsTask();

    private sealed record Streamer(string Name, TestWorker Worker) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Worker.DisposeAsync();
    }
}

using System.Text;
using FaasCluster.Bench.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Bench.Tests.Http;

public sealed class HttpLoadTests : IAsyncLifetime
{
    private readonly WebApplication server = Build();
    private int calls;

    private Uri Url => new(server.Urls.Single());

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        server.MapPost("/echo", async context =>
        {
            Interlocked.Increment(ref calls);
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            context.Response.StatusCode = 202;
            context.Response.Headers["Faas-Start"] = context.Request.Headers["Faas-Test"];
            context.Response.ContentLength = body.Length;
            await context.Response.Body.WriteAsync(body.ToArray());
        });
        server.MapPost("/full", context =>
        {
            context.Response.StatusCode = 429;
            context.Response.ContentLength = 0;
            return Task.CompletedTask;
        });
        await server.StartAsync(Stop);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Count_OverManyConnections_CallsExactlySoOften()
    {
        var load = await HttpLoad.CountAsync(Url, HttpRequests.Post(Url, "/echo", null, "{}"u8), 202, callers: 8, count: 1000, Stop);

        Assert.Equal(1000, calls);
        Assert.Equal(1000, load.Calls.Count);
    }

    [Fact]
    public async Task Time_ThatIsOver_LeavesNoCallUncounted()
    {
        var load = await HttpLoad.ForAsync(Url, HttpRequests.Post(Url, "/echo", null, "{}"u8), 202, callers: 4, TimeSpan.FromMilliseconds(100), Stop);

        Assert.True(calls > 0);
        Assert.Equal(calls, load.Calls.Count);
    }

    [Fact]
    public async Task Refusals_WhereTheyAreAllowed_AreCountedApart()
    {
        var load = await HttpLoad.ForAsync(Url, HttpRequests.Post(Url, "/full", null, "{}"u8), 202, callers: 1, TimeSpan.FromMilliseconds(100), Stop, mayBeRefused: true);

        Assert.Equal(0, load.Calls.Count);
        Assert.InRange(load.Refused, 1, int.MaxValue);
    }

    [Fact]
    public async Task Answer_WithAnotherStatus_FailsTheLoad()
    {
        var failure = await Assert.ThrowsAsync<BenchFailedException>(() =>
            HttpLoad.CountAsync(Url, HttpRequests.Post(Url, "/nothing", null, "{}"u8), 202, callers: 1, count: 10, Stop));
        Assert.Contains("404", failure.Message);
    }

    [Fact]
    public async Task Send_OfALargeBody_ReturnsTheAnswerWhole()
    {
        var body = Encoding.ASCII.GetBytes(new string('x', 100_000));
        using var connection = await HttpConnection.OpenAsync(Url, Stop);

        var answer = await connection.SendAsync(HttpRequests.Post(Url, "/echo", "key", body, "Faas-Test: cold"), Stop);

        Assert.Equal(202, answer.Status);
        Assert.Equal("cold", answer.Header("faas-start"));
        Assert.Equal("", answer.Header("faas-nothing"));
        Assert.Equal(body, answer.Body.ToArray());
    }

    private static WebApplication Build()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        return app;
    }
}

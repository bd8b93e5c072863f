using FaasCluster.Bench.Broker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Bench.Baseline;

/// <summary>
/// The least that an HTTP server can do, as a process of its own like the gateway: answer, or answer 202 after one raw
/// confirmed publish to a quorum queue.
/// </summary>
internal static class BaselineServer
{
    public const string Queue = "bench.accept";

    /// <summary>The first word of the command line that makes this program be it.</summary>
    public const string Verb = "baseline";

    public static async Task RunAsync(string[] arguments)
    {
        var builder = WebApplication.CreateSlimBuilder(arguments);
        builder.Logging.ClearProviders();
        await using var publisher = await ConfirmedPublisher.OpenAsync(
            builder.Configuration["ConnectionStrings:RabbitMq"]!, Queue, RawLoop.Outstanding, CancellationToken.None);
        await using var app = builder.Build();
        app.MapGet("/readyz", () => "ok");
        app.MapPost("/bare", async context =>
        {
            await ReadAsync(context);
            await AnswerAsync(context, StatusCodes.Status200OK);
        });
        app.MapPost("/publish", async context =>
        {
            var body = await ReadAsync(context);
            await await publisher.PublishAsync(body, context.RequestAborted);
            await AnswerAsync(context, StatusCodes.Status202Accepted);
        });
        await app.RunAsync();
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        var body = new byte[(int)context.Request.ContentLength!.Value];
        await context.Request.Body.ReadExactlyAsync(body, context.RequestAborted);
        return body;
    }

    private static async Task AnswerAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = 2;
        await context.Response.Body.WriteAsync("{}"u8.ToArray(), context.RequestAborted);
    }
}

using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Gateway.Tests.Dispatches;

/// <summary>A server on 127.0.0.1 that takes callbacks as the test says.</summary>
internal sealed class CallbackReceiver : IAsyncDisposable
{
    private readonly WebApplication app;

    private CallbackReceiver(WebApplication app) => this.app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>What was posted, whatever it was answered.</summary>
    public ConcurrentQueue<Callback> Taken { get; } = new();

    /// <param name="answer">Answers the n-th request, from 1.</param>
    public static async Task<CallbackReceiver> StartAsync(Func<HttpContext, int, Task> answer)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var receiver = new CallbackReceiver(app);
        var count = 0;
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            receiver.Taken.Enqueue(new(
                context.Request.Method,
                context.Request.Path + context.Request.QueryString,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                System.Text.Encoding.UTF8.GetString(body.ToArray())));
            await answer(context, Interlocked.Increment(ref count));
        });
        await app.StartAsync();
        receiver.Url = new Uri(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()), "/hook?secret=1");
        return receiver;
    }

    /// <summary>Answers the statuses one after the other, the last one again and again.</summary>
    public static Task<CallbackReceiver> StartAsync(params int[] statuses) => StartAsync((context, number) =>
    {
        context.Response.StatusCode = statuses[Math.Min(number, statuses.Length) - 1];
        return Task.CompletedTask;
    });

    public ValueTask DisposeAsync() => app.DisposeAsync();

    public sealed record Callback(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);
}

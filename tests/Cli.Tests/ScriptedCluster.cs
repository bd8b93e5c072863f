using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FaasCluster.Contracts.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Cli.Tests;

/// <summary>
/// A real HTTP server with the answers that a test gives it, to show every case at will; the command against a real cluster is
/// tested end to end.
/// </summary>
internal sealed class ScriptedCluster : IAsyncDisposable
{
    public const string Key = "faas_0123456789abcdef";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Func<HttpContext, Task>> _answers = new();

    private ScriptedCluster(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    /// <summary>Requests in the order of their arrival: "GET /api/functions?limit=100".</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Bodies of requests, in the same order.</summary>
    public ConcurrentQueue<byte[]> Bodies { get; } = new();

    public static async Task<ScriptedCluster> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var cluster = new ScriptedCluster(app);
        app.Run(cluster.AnswerAsync);
        await app.StartAsync();
        return cluster;
    }

    public ScriptedCluster On(string request, Func<HttpContext, Task> answer)
    {
        _answers[request] = answer;
        return this;
    }

    public ScriptedCluster On<T>(string request, T document, int status = 200) => On(request, context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = document is Problem ? Problem.MediaType : "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(document, (JsonTypeInfo<T>)ApiJson.Default.GetTypeInfo(typeof(T))!));
    });

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var request = $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}";
        Requests.Enqueue(request);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        Bodies.Enqueue(body.ToArray());
        if (context.Request.Path != "/healthz" && context.Request.Headers.Authorization != $"Bearer {Key}")
        {
            await Problems.WriteAsync(context, 401, "unauthorized", "caller", "A key is needed.");
        }
        else if (_answers.TryGetValue(request, out var answer) || _answers.TryGetValue($"{context.Request.Method} {context.Request.Path}", out answer))
        {
            await answer(context);
        }
        else
        {
            await Problems.WriteAsync(context, 404, "not_found", "caller", "There is no such thing.", $"'{request}' is not scripted.");
        }
    }
}

internal static class Problems
{
    public static Task WriteAsync(HttpContext context, int status, string code, string fault, string title, string? detail = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = Problem.MediaType;
        var problem = new Problem { Title = title, Status = status, Code = code, Fault = fault, Detail = detail };
        return context.Response.WriteAsync(JsonSerializer.Serialize(problem, ApiJson.Default.Problem));
    }
}

using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Answers the requests of the Runtime API by the session of the sandbox that they come from.</summary>
internal sealed class RuntimeApiApplication : IHttpApplication<DefaultHttpContext>
{
    private const string Version = "/2018-06-01";
    private const string Invocations = Version + "/runtime/invocation/";

    private static readonly byte[] Accepted = """{"status":"OK"}"""u8.ToArray();

    /// <inheritdoc/>
    public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(DefaultHttpContext context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(DefaultHttpContext context)
    {
        try
        {
            await AnswerAsync(context, context.Features.Get<RuntimeApiEndpoint>()!.Session);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // Its connection has ended, or what it sends is no HTTP: nobody is there to be told.
            context.Abort();
        }
    }

    private static Task AnswerAsync(DefaultHttpContext context, RuntimeApiSession session)
    {
        var path = context.Request.Path.Value ?? "";
        return path switch
        {
            Invocations + "next" => When(context, HttpMethods.Get, () => NextAsync(context, session)),
            Version + "/runtime/init/error" => When(context, HttpMethods.Post, () => InitErrorAsync(context, session)),
            Version + "/ping" => When(context, HttpMethods.Get, () => WriteAsync(context, 200, "text/plain", "pong"u8.ToArray())),
            _ when FindId(path, "/response") is { } id => When(context, HttpMethods.Post, () => ResponseAsync(context, session, id)),
            _ when FindId(path, "/error") is { } id => When(context, HttpMethods.Post, () => ErrorAsync(context, session, id)),
            _ => WriteAsync(context, 404, "text/plain; charset=utf-8", "404 page not found\n"u8.ToArray()),
        };
    }

    private static Task When(DefaultHttpContext context, string method, Func<Task> answer)
    {
        if (context.Request.Method == method)
        {
            return answer();
        }

        context.Response.Headers.Allow = method;
        return WriteAsync(context, 405, null, default);
    }

    private static string? FindId(string path, string end)
    {
        var length = path.Length - Invocations.Length - end.Length;
        return length > 0 && path.StartsWith(Invocations, StringComparison.Ordinal) && path.EndsWith(end, StringComparison.Ordinal)
            && path.IndexOf('/', Invocations.Length) == Invocations.Length + length
            ? path.Substring(Invocations.Length, length)
            : null;
    }

    private static async Task NextAsync(DefaultHttpContext context, RuntimeApiSession session)
    {
        var (invocation, refusal) = await session.PollAsync(context.RequestAborted);
        if (invocation is null)
        {
            await RefuseAsync(context, refusal!);
            return;
        }

        var headers = context.Response.Headers;
        headers["Lambda-Runtime-Aws-Request-Id"] = invocation.Id;
        headers["Lambda-Runtime-Deadline-Ms"] = invocation.DueAt.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        headers["Lambda-Runtime-Invoked-Function-Arn"] = invocation.FunctionArn;
        headers["Lambda-Runtime-Trace-Id"] = invocation.TraceId;
        await WriteAsync(context, 200, "application/json", invocation.Event);
    }

    private static async Task ResponseAsync(DefaultHttpContext context, RuntimeApiSession session, string id)
    {
        if (session.BeginAnswer(id, isError: false, out var invocation) is { } refusal)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        var (answer, problem) = await RuntimePayload.ReadAnswerAsync(context.Request, invocation!);
        session.EndAnswer(invocation!, answer);
        await EndAsync(context, problem);
    }

    private static async Task ErrorAsync(DefaultHttpContext context, RuntimeApiSession session, string id)
    {
        if (session.BeginAnswer(id, isError: true, out var invocation) is { } refusal)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        var (error, problem) = await RuntimePayload.ReadErrorAsync(context.Request, Contracts.Invocations.ErrorCode.FunctionError);
        session.EndAnswer(invocation!, new RuntimeAnswer(default, error));
        await EndAsync(context, problem);
    }

    private static async Task InitErrorAsync(DefaultHttpContext context, RuntimeApiSession session)
    {
        if (session.BeginInitError() is { } refusal)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        var (error, problem) = await RuntimePayload.ReadErrorAsync(context.Request, Contracts.Invocations.ErrorCode.InitError);
        session.EndInitError(error);
        await EndAsync(context, problem);
    }

    private static Task EndAsync(DefaultHttpContext context, Refusal? problem) =>
        problem is null ? WriteAsync(context, 202, "application/json", Accepted) : RefuseAsync(context, problem);

    private static Task RefuseAsync(DefaultHttpContext context, Refusal refusal)
    {
        var body = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("errorMessage", refusal.Message);
            json.WriteString("errorType", refusal.Type);
            json.WriteEndObject();
        }

        return WriteAsync(context, refusal.Status, "application/json", body.WrittenMemory);
    }

    // Head and body in one flush: two cost a delayed acknowledgement of 40 ms.
    private static async Task WriteAsync(DefaultHttpContext context, int status, string? contentType, ReadOnlyMemory<byte> body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }
}

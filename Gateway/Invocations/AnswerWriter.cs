using System.Globalization;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Problems;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Turns a worker's reply into the answer to the caller.</summary>
internal static class AnswerWriter
{
    private const string ServerTiming = "Server-Timing"; // https://www.w3.org/TR/server-timing/

    /// <summary>Answers with what the function answered, or with why it did not.</summary>
    /// <param name="context">The request.</param>
    /// <param name="message">The invocation.</param>
    /// <param name="reply">The worker's reply.</param>
    public static Task WriteAsync(HttpContext context, InvocationMessage message, InvocationReply reply)
    {
        SetHeaders(context.Response, message, reply);
        if (reply.Result is not { } result)
        {
            return FailAsync(context, message, reply.Error ?? new InvocationError { Code = ErrorCode.Internal, Message = "The worker's reply was empty." });
        }

        var isHead = HttpMethods.IsHead(context.Request.Method);
        if (ResultHeaders.Refuse(message.Trigger == TriggerKind.Http ? result : result with { HttpStatus = null, Headers = [] }, isHead) is { } refusal)
        {
            return FailAsync(context, message, new InvocationError { Code = ErrorCode.InvalidResponse, Message = refusal });
        }

        return message.Trigger == TriggerKind.Http ? WriteHttpAsync(context, result, isHead) : WriteBodyAsync(context, result, isHead);
    }

    /// <summary>Answers with why there is no reply.</summary>
    public static Task FailAsync(HttpContext context, InvocationMessage message, InvocationError error)
    {
        context.Response.Headers[HeaderNames.InvocationId] = message.InvocationId.ToString();
        var problem = ProblemAnswer.For(error.Code).Problem with
        {
            InvocationId = message.InvocationId,
            TraceId = TraceContext.TraceIdOf(message.TraceParent),
        };

        // What a function's code says about itself is for its owner: an open URL's callers are strangers.
        if (context.User.Identity is { IsAuthenticated: true } || error.Code.Describe().Fault != Fault.Function)
        {
            problem = problem with
            {
                Detail = error.Message,
                ErrorType = error.Type,
                StackTrace = error.StackTrace.Count == 0 ? null : error.StackTrace,
            };
        }

        return new ProblemAnswer(problem).ExecuteAsync(context);
    }

    /// <summary>Says what is known when an answer in pieces begins: all but how long the run takes and what it costs.</summary>
    public static void SetHead(HttpContext context, InvocationMessage message, InvocationReply head)
    {
        var response = context.Response;
        var (headers, timings) = (response.Headers, head.Timings);
        SetOrigin(headers, message, head);
        headers[ServerTiming] = $"{Timing("queue", timings.Queue)}, {Timing("start", timings.Start)}, {Timing("init", timings.Init)}";
        if (message.Trigger == TriggerKind.Http)
        {
            SetHttpHead(response, head.Result!);
        }

        if (response.StatusCode is not (204 or 205 or 304))
        {
            response.ContentType = head.Result!.ContentType;
        }
    }

    private static string Timing(string name, TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{name};dur={Math.Round(span.TotalMilliseconds, 3)}");

    private static void SetHeaders(HttpResponse response, InvocationMessage message, InvocationReply reply)
    {
        var (headers, timings) = (response.Headers, reply.Timings);
        SetOrigin(headers, message, reply);
        headers[HeaderNames.BilledDuration] = reply.BilledMilliseconds.ToString(CultureInfo.InvariantCulture);
        headers[ServerTiming] = $"{Timing("queue", timings.Queue)}, {Timing("start", timings.Start)}, {Timing("init", timings.Init)}, {Timing("run", timings.Run)}";
        if (!reply.Recorded)
        {
            headers[HeaderNames.Recorded] = "false";
        }
    }

    private static void SetOrigin(IHeaderDictionary headers, InvocationMessage message, InvocationReply reply)
    {
        headers[HeaderNames.InvocationId] = message.InvocationId.ToString();
        headers[HeaderNames.Start] = reply.ColdStart ? "cold" : "warm";
        headers.TraceParent = message.TraceParent;
    }

    private static Task WriteHttpAsync(HttpContext context, InvocationResult result, bool isHead)
    {
        SetHttpHead(context.Response, result);
        return WriteBodyAsync(context, result, isHead);
    }

    private static void SetHttpHead(HttpResponse response, InvocationResult result)
    {
        response.StatusCode = result.HttpStatus ?? StatusCodes.Status200OK;
        string? connection = null;
        foreach (var (name, value) in result.Headers)
        {
            if (name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            {
                connection = connection is null ? value : $"{connection},{value}";
            }
        }

        foreach (var (name, value) in result.Headers)
        {
            if (ResultHeaders.IsPassedOn(name, connection))
            {
                response.Headers.Append(name, value);
            }
        }
    }

    private static Task WriteBodyAsync(HttpContext context, InvocationResult result, bool isHead)
    {
        var response = context.Response;
        if (response.StatusCode is 204 or 205 or 304)
        {
            // These have no body, whatever the function sent. A length of zero tells a problem page from an answer.
            response.ContentLength = response.StatusCode == 205 ? 0 : null;
            return Task.CompletedTask;
        }

        response.ContentType = result.ContentType;
        response.ContentLength = result.Body.Length;
        return isHead || result.Body.IsEmpty ? Task.CompletedTask : response.Body.WriteAsync(result.Body, context.RequestAborted).AsTask();
    }
}

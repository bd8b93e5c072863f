using System.Buffers;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Reads what a runtime posts.</summary>
internal static class RuntimePayload
{
    private const string ModeHeader = "Lambda-Runtime-Function-Response-Mode";
    private const string ErrorTypeHeader = "Lambda-Runtime-Function-Error-Type";
    private const string ErrorBodyHeader = "Lambda-Runtime-Function-Error-Body";

    /// <summary>An answer, and what its sender is told if it is not accepted.</summary>
    public static async Task<(RuntimeAnswer Answer, Refusal? Problem)> ReadAnswerAsync(HttpRequest request, RuntimeInvocation invocation)
    {
        switch (request.Headers[ModeHeader].ToString())
        {
            case "":
                break;
            case "streaming":
                return await CopyAsync(request, invocation);
            default:
                return (new RuntimeAnswer(default, ProvidedFailures.InvalidResponseMode(invocation.Id)), Refusal.InvalidResponseMode);
        }

        var (body, problem) = await ReadAsync(request);
        if (problem is not null)
        {
            var error = problem == Refusal.TooLarge ? ProvidedFailures.ResponseTooLarge() : ProvidedFailures.Truncated(invocation.Id);
            return (new RuntimeAnswer(default, error), problem);
        }

        return (FindFailure(request) is { } failure ? new RuntimeAnswer(default, failure) : new RuntimeAnswer(body, null), null);
    }

    private static async Task<(RuntimeAnswer Answer, Refusal? Problem)> CopyAsync(HttpRequest request, RuntimeInvocation invocation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(invocation.Deadline, request.HttpContext.RequestAborted);
        try
        {
            var error = await StreamedAnswer.CopyAsync(request, invocation, stop.Token) ?? FindFailure(request);
            return (new RuntimeAnswer(default, error, IsStreamed: error is null), null);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or BadHttpRequestException)
        {
            return (new RuntimeAnswer(default, ProvidedFailures.Truncated(invocation.Id)), Refusal.Truncated);
        }
    }

    // What a function met after it had begun to answer stands in trailers, declared or not.
    private static InvocationError? FindFailure(HttpRequest request)
    {
        var trailers = request.CheckTrailersAvailable() ? request.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestTrailersFeature>()!.Trailers : null;
        return trailers?[ErrorTypeHeader].ToString() is { Length: > 0 } type
            ? RuntimeError.Read(ErrorCode.FunctionError, RuntimeError.Decode(trailers[ErrorBodyHeader].ToString()), type)
            : null;
    }

    /// <summary>An error.</summary>
    public static async Task<(InvocationError Error, Refusal? Problem)> ReadErrorAsync(HttpRequest request, ErrorCode code)
    {
        var (body, problem) = await ReadAsync(request);
        return (RuntimeError.Read(code, body, request.Headers[ErrorTypeHeader].ToString()), problem);
    }

    private static async Task<(ReadOnlyMemory<byte> Body, Refusal? Problem)> ReadAsync(HttpRequest request)
    {
        if (request.ContentLength > Limits.SynchronousPayloadBytes)
        {
            return (default, Refusal.TooLarge);
        }

        var body = new ArrayBufferWriter<byte>((int)Math.Max(request.ContentLength ?? 0, 256));
        try
        {
            while (true)
            {
                var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
                if (body.WrittenCount + read.Buffer.Length > Limits.SynchronousPayloadBytes)
                {
                    request.BodyReader.AdvanceTo(read.Buffer.End);
                    return (default, Refusal.TooLarge);
                }

                foreach (var segment in read.Buffer)
                {
                    body.Write(segment.Span);
                }

                request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return (body.WrittenMemory, null);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or BadHttpRequestException)
        {
            return (default, Refusal.Truncated);
        }
    }
}

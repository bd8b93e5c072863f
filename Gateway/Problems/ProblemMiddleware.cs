using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Problems;

/// <summary>
/// Turns exceptions, and refusals of the framework that have no body (unknown route, wrong method), into problem details.
/// </summary>
internal sealed class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        ProblemAnswer? answer;
        try
        {
            await next(context);
            var response = context.Response;
            if (response.StatusCode < 400 || response.HasStarted || response.ContentLength is not null || response.ContentType is not null)
            {
                return;
            }

            answer = ForStatus(context);
        }
        catch (Exception exception)
        {
            answer = ForException(context, exception);
            if (answer is null)
            {
                return;
            }

            context.Response.Clear();
        }

        await answer.ExecuteAsync(context);
    }

    private static ProblemAnswer ForStatus(HttpContext context)
    {
        var status = context.Response.StatusCode;
        var path = context.Request.Path;
        return status switch
        {
            401 => ProblemAnswer.For(ErrorCode.Unauthorized),
            403 => ProblemAnswer.For(ErrorCode.Forbidden),
            404 => ProblemAnswer.For(ErrorCode.NotFound, $"There is no route {path}; /docs describes those that exist."),
            405 => ProblemAnswer.For(ErrorCode.NotSupported, $"{context.Request.Method} is not possible here; allowed: {context.Response.Headers.Allow}.", 405),
            413 => ProblemAnswer.For(ErrorCode.PayloadTooLarge),
            415 => ProblemAnswer.For(ErrorCode.UnsupportedMediaType),
            < 500 => ProblemAnswer.For(ErrorCode.ValidationFailed, status: status),
            _ => ProblemAnswer.For(ErrorCode.Internal, status: status),
        };
    }

    private ProblemAnswer? ForException(HttpContext context, Exception exception)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads an answer. Aborting keeps a half-written one from looking whole.
            context.Abort();
            return null;
        }

        if (context.Response.HasStarted)
        {
            Log.FailedAfterStart(logger, exception, context.Request.Method, context.Request.Path);
            context.Abort();
            return null;
        }

        switch (exception)
        {
            case BadHttpRequestException { StatusCode: 413 }:
                return ProblemAnswer.For(ErrorCode.PayloadTooLarge);
            case BadHttpRequestException bad:
                return ProblemAnswer.For(ErrorCode.ValidationFailed, bad.Message, bad.StatusCode);
            case StoreUnavailableException:
                Log.StoreUnavailable(logger, context.Request.Method, context.Request.Path, exception.Message);
                return ProblemAnswer.For(ErrorCode.StoreUnavailable, "Nothing was changed that is not answered for; try again.");
            case MessagingUnavailableException:
                Log.BrokerUnavailable(logger, context.Request.Method, context.Request.Path, exception.Message);
                return ProblemAnswer.For(ErrorCode.BrokerUnavailable, "Try again.");
            default:
                Log.Failed(logger, exception, context.Request.Method, context.Request.Path);
                return ProblemAnswer.For(ErrorCode.Internal, "The gateway's log says more.");
        }
    }
}

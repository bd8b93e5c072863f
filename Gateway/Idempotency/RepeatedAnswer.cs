using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Idempotency;

/// <summary>Answers requests that are not carried out, because their key was used before.</summary>
internal static class RepeatedAnswer
{
    /// <summary>Answers a request that a verdict says not to carry out.</summary>
    public static Task WriteAsync(HttpContext context, InvocationMessage message, IdempotencyVerdict verdict)
    {
        if (verdict.IsOtherRequest || verdict.IsBusy)
        {
            return RefuseAsync(context, verdict);
        }

        context.Response.Headers[HeaderNames.Replayed] = "true";
        message = message with { InvocationId = verdict.InvocationId };
        return verdict.Call is { } call ? WriteCallAsync(context, message, call) : AcceptedAnswer.WriteAsync(context, message);
    }

    // The answer that was recorded, good or bad.
    private static Task WriteCallAsync(HttpContext context, InvocationMessage message, InvocationDetails call)
    {
        var summary = call.Summary;
        var attempt = call.Attempts[^1];
        var reply = new InvocationReply
        {
            InvocationId = summary.InvocationId,
            Result = call.Result,
            Error = summary.ErrorCode is { } code ? new InvocationError { Code = code, Type = summary.ErrorType, Message = summary.ErrorMessage ?? "" } : null,
            Timings = attempt.Timings,
            ColdStart = attempt.ColdStart,
            BilledMilliseconds = attempt.BilledMilliseconds,
            WorkerId = attempt.WorkerId,
        };
        return AnswerWriter.WriteAsync(context, message, reply);
    }

    // 422 or 409: the key stands for another request, or for one that is still being answered.
    private static Task RefuseAsync(HttpContext context, IdempotencyVerdict verdict)
    {
        ProblemAnswer answer;
        if (verdict.IsOtherRequest)
        {
            const string text = "was sent before with another request (body, content type, path or kind of call); expected a new key for a new request.";
            answer = ProblemAnswer.Invalid(HeaderNames.IdempotencyKey, text);
            answer = new ProblemAnswer(answer.Problem with { Status = StatusCodes.Status422UnprocessableEntity, InvocationId = verdict.InvocationId });
        }
        else
        {
            context.Response.Headers.RetryAfter = "1";
            answer = ProblemAnswer.For(ErrorCode.Conflict, $"{HeaderNames.IdempotencyKey}: the first request with it is still being answered; send it again later.");
            answer = new ProblemAnswer(answer.Problem with { InvocationId = verdict.InvocationId });
        }

        context.Response.Headers[HeaderNames.InvocationId] = verdict.InvocationId.ToString();
        return answer.ExecuteAsync(context);
    }
}

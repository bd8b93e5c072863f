using System.Diagnostics;
using System.Text.Json;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Gateway.Problems;

/// <summary>The one way to answer with an error: problem details whose status and blame come from the error code.</summary>
internal sealed class ProblemAnswer(Problem problem) : IResult
{
    public Problem Problem => problem;

    public static ProblemAnswer For(ErrorCode code, string? detail = null, int? status = null)
    {
        var info = code.Describe();
        return new ProblemAnswer(new Problem
        {
            Title = info.Title,
            Status = status ?? info.HttpStatus,
            Detail = detail,
            Code = info.Name,
            Fault = FaultName(info.Fault),
        });
    }

    /// <summary>400 that names every wrong field.</summary>
    public static ProblemAnswer Invalid(IReadOnlyList<FieldError> errors) =>
        new(For(ErrorCode.ValidationFailed, string.Join(" ", errors.Take(3).Select(error => $"{error.Field}: {error.Message}"))).Problem with { Errors = errors });

    public static ProblemAnswer Invalid(string field, string message) => Invalid([new FieldError(field, message)]);

    public static ProblemAnswer NoFunction(string name) =>
        For(ErrorCode.NotFound, $"There is no function '{name}' in this account; GET /api/functions lists those that are there.");

    public static string FaultName(Fault fault) => fault switch
    {
        Fault.Function => "function",
        Fault.Caller => "caller",
        _ => "platform",
    };

    public async Task ExecuteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = problem.Status;
        response.ContentType = Problem.MediaType;
        response.Headers[HeaderNames.Error] = problem.Code;
        if (problem.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            response.Headers.RetryAfter = "1";
        }

        var full = problem.TraceId is null && Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity
            ? problem with { TraceId = activity.TraceId.ToHexString() }
            : problem;
        var body = JsonSerializer.SerializeToUtf8Bytes(full, ApiJson.Default.Problem);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}

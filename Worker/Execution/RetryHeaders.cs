using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// An HTTP-shaped answer has no error to raise: its header fields <see cref="HeaderNames.RetryAfter"/> and
/// <see cref="HeaderNames.Retry"/> say that an asynchronous attempt failed, and how it goes on.
/// </summary>
internal static class RetryHeaders
{
    /// <summary>The failure that an answer speaks of; null if it is a success, whatever its status is.</summary>
    public static InvocationError? FindFailure(InvocationResult? result)
    {
        if (result?.HttpStatus is null)
        {
            return null;
        }

        if (Find(result, HeaderNames.Retry) is { } retry && retry.Trim().Equals("never", StringComparison.OrdinalIgnoreCase))
        {
            return Failure(result, HeaderNames.Retry, retry, RetryAdvice.Never);
        }

        return Find(result, HeaderNames.RetryAfter) is { } seconds
            ? Failure(result, HeaderNames.RetryAfter, seconds, RetryAdvice.Read(seconds))
            : null;
    }

    private static string? Find(InvocationResult result, string name) =>
        result.Headers.FirstOrDefault(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    private static InvocationError Failure(InvocationResult result, string name, string value, RetryAdvice? advice) =>
        Failures.Of(ErrorCode.FunctionError, $"The function answered with status {result.HttpStatus} and {name}: {value}") with { Advice = advice };
}

using FaasCluster.Contracts.Functions;
using FaasCluster.Gateway.Delays;
using FaasCluster.Gateway.Idempotency;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Invocations;

/// <summary>What a request asks for beside the invocation itself.</summary>
/// <param name="IsAsynchronous">Whether a 202 is wanted rather than the result.</param>
/// <param name="Due">When it is due; null for at once.</param>
/// <param name="Key">The caller's name for the request; null without one.</param>
internal sealed record RequestTerms(bool IsAsynchronous, DateTimeOffset? Due, string? Key)
{
    /// <summary>Reads them; null with the answer that says what is wrong.</summary>
    public static RequestTerms? Read(HttpRequest request, IOptions<StorageOptions> storage, TimeProvider time, out ProblemAnswer? problem)
    {
        var isAsynchronous = Preference.IsAsynchronous(request.Headers);
        var due = DueTime.Read(request.Headers, isAsynchronous, time.GetUtcNow(), DueTime.Longest(storage.Value), out var wrongTime);
        var key = IdempotencyKey.Read(request, out var wrongKey);
        FieldError[] errors = [.. new[] { wrongTime, wrongKey }.OfType<FieldError>()];
        problem = errors.Length == 0 ? null : ProblemAnswer.Invalid(errors);
        return problem is null ? new RequestTerms(isAsynchronous, due, key) : null;
    }
}

using System.Text.Json;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Cli.Connections;

/// <summary>Error answers of the API, for people.</summary>
internal static class Problems
{
    /// <summary>The problem that an answer carries; null if it carries none (a proxy's error page, for example).</summary>
    public static async Task<Problem?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != Problem.MediaType)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellationToken), ApiJson.Default.Problem);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static CommandFailure ToFailure(Problem? problem, HttpResponseMessage response, ClusterContext context)
    {
        var status = (int)response.StatusCode;
        if (problem is null)
        {
            return new CommandFailure(
                status is 401 or 403 ? ExitCodes.NotAllowed : ExitCodes.Unreachable,
                $"{context.Url} answered {status} {response.ReasonPhrase}, which is no answer of a FaasCluster.",
                $"Is the address right? It was read from {context.Source}.");
        }

        var code = Code(problem, response);
        List<string> details = [.. Describe(problem)];
        if (code is ErrorCode.Unauthorized)
        {
            details.Add(context.Key is null
                ? "Set FAAS_KEY to a key of that cluster."
                : $"The key was read from {(context.Source == "FAAS_URL" ? "FAAS_KEY" : context.Source)}; is it one of that cluster?");
        }

        var exitCode = code is { } known ? ExitCodes.For(known)
            : status is 401 or 403 ? ExitCodes.NotAllowed
            : status is >= 400 and < 500 ? ExitCodes.Usage : ExitCodes.Unreachable;
        return new CommandFailure(exitCode, $"{problem.Title} ({problem.Code})", details);
    }

    /// <summary>Detail, fields, the function's own error with its frames, and the ids by which to look further.</summary>
    public static IEnumerable<string> Describe(Problem problem)
    {
        if (!string.IsNullOrEmpty(problem.Detail))
        {
            yield return problem.ErrorType is null || problem.Detail.StartsWith(problem.ErrorType, StringComparison.Ordinal)
                ? problem.Detail
                : $"{problem.ErrorType}: {problem.Detail}";
        }
        else if (problem.ErrorType is not null)
        {
            yield return problem.ErrorType;
        }

        foreach (var frame in problem.StackTrace ?? [])
        {
            yield return $"  {frame}";
        }

        foreach (var error in problem.Errors ?? [])
        {
            yield return $"{error.Field}: {error.Message}";
        }

        if (problem.InvocationId is { } id)
        {
            yield return $"'faas logs {id}' shows what it printed.";
        }
    }

    private static ErrorCode? Code(Problem problem, HttpResponseMessage response)
    {
        var name = problem.Code is { Length: > 0 } code ? code
            : response.Headers.TryGetValues(HeaderNames.Error, out var values) ? values.FirstOrDefault() : null;
        return ErrorCodes.All.FirstOrDefault(info => info.Name == name)?.Code;
    }
}

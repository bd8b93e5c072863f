using System.Globalization;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Problems;

namespace FaasCluster.Gateway.Parameters;

/// <summary>Reads the query of a list and collects an error for every wrong parameter, unknown ones included.</summary>
internal sealed class QueryParameters
{
    /// <summary>The most items of one page.</summary>
    public const int MaximumLimit = 1000;

    private readonly IQueryCollection query;
    private readonly TimeProvider time;
    private readonly List<FieldError> errors = [];

    public QueryParameters(HttpContext context, TimeProvider time, params string[] known)
    {
        query = context.Request.Query;
        this.time = time;
        foreach (var name in query.Keys)
        {
            if (!known.Contains(name))
            {
                var nearest = Suggestion.For(name, known);
                Error(Shown.Text(name), nearest is null ? $"is unknown; known are {string.Join(", ", known)}." : $"is unknown; did you mean '{nearest}'?");
            }
        }
    }

    /// <summary>400 that names what is wrong; null if nothing is.</summary>
    public ProblemAnswer? Problem => errors.Count == 0 ? null : ProblemAnswer.Invalid(errors);

    public void Error(string field, string message) => errors.Add(new FieldError(field, message));

    /// <summary>The one value of a parameter; null if it was not given.</summary>
    public string? Text(string name)
    {
        if (!query.TryGetValue(name, out var values) || values.Count == 0)
        {
            return null;
        }

        if (values.Count > 1)
        {
            Error(name, $"was given {values.Count} times; expected once.");
            return null;
        }

        return values[0] ?? "";
    }

    /// <summary>How many items a page may have.</summary>
    public int Limit(int standard = 50)
    {
        if (Text("limit") is not { } text)
        {
            return standard;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= MaximumLimit)
        {
            return limit;
        }

        Error("limit", $"'{Shown.Text(text)}' is out of range; expected a whole number from 1 to {MaximumLimit}.");
        return standard;
    }

    /// <summary>The name of a function.</summary>
    public string? FunctionName(string name)
    {
        if (Text(name) is not { } text || ManifestReader.IsFunctionName(text))
        {
            return Text(name);
        }

        Error(name, FunctionNames.Refusal(text));
        return null;
    }

    /// <summary>A state of an invocation.</summary>
    public InvocationState? State(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (InvocationStates.TryParse(text, out var state))
        {
            return state;
        }

        var all = Enum.GetValues<InvocationState>().Select(value => value.ToWire()).ToArray();
        var nearest = Suggestion.For(text, all);
        Error(name, $"'{Shown.Text(text)}' is no state; expected one of {string.Join(", ", all)}{(nearest is null ? "." : $"; did you mean '{nearest}'?")}");
        return null;
    }

    /// <summary>The number of a revision, from 1.</summary>
    public int? Revision(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) && revision >= 1)
        {
            return revision;
        }

        Error(name, $"'{Shown.Text(text)}' is no revision; expected a whole number from 1.");
        return null;
    }

    /// <summary>One of some words.</summary>
    public string? Choice(string name, IReadOnlyList<string> words)
    {
        if (Text(name) is not { } text || words.Contains(text))
        {
            return Text(name);
        }

        var nearest = Suggestion.For(text, words);
        Error(name, $"'{Shown.Text(text)}' is not known; expected {(words.Count == 1 ? "" : "one of ")}{string.Join(", ", words)}{(nearest is null ? "." : $"; did you mean '{nearest}'?")}");
        return null;
    }

    /// <summary>An RFC 3339 time, or an age such as 1h.</summary>
    public DateTimeOffset? Instant(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (Instants.TryParse(text, time.GetUtcNow(), out var instant))
        {
            return instant;
        }

        Error(name, $"'{Shown.Text(text)}' is no time; expected RFC 3339 such as 2026-01-31T12:00:00Z (a '+' is written %2B in a query), or an age such as 30m, 1h or 7d.");
        return null;
    }
}

using System.CommandLine;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.DeadLetters;

/// <summary>Which letters are meant: one by its id, or all open ones that match a filter.</summary>
internal sealed class LetterChoice
{
    private readonly Argument<string?> id = new("ID") { Description = "The dead letter, which has the id of its invocation", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string> function = new("--function", "-f") { HelpName = "NAME", Description = "All open ones of this function" };
    private readonly Option<string> since = CreateSince();
    private readonly Option<string> until = CreateUntil();
    private readonly Option<bool> all = new("--all") { Description = "All open ones" };

    public static Option<string> CreateSince() =>
        new("--since") { HelpName = "AGE|TIME", Description = "Only those of invocations accepted since then, for example 1h, 7d or 2026-03-01T00:00:00Z" };

    public static Option<string> CreateUntil() => new("--until") { HelpName = "AGE|TIME", Description = "Only those of invocations accepted before then" };

    /// <summary>Adds the argument and the options that choose.</summary>
    public void AddTo(Command command)
    {
        command.Add(id);
        command.Add(function);
        command.Add(since);
        command.Add(until);
        command.Add(all);
    }

    /// <summary>The id of the one letter that is meant, or the parts of the query for all that are.</summary>
    /// <exception cref="CommandFailure">Neither is given, or both are: a slip must not settle more than was meant.</exception>
    public (string? Id, List<(string Key, string Value)> Filter) Read(ParseResult result)
    {
        List<(string Key, string Value)> filter = [];
        foreach (var (key, option) in new[] { ("function", function), ("since", since), ("until", until) })
        {
            if (result.GetValue(option) is { } value)
            {
                filter.Add((key, value));
            }
        }

        var one = result.GetValue(id);
        var everything = result.GetValue(all);
        if (one is null && filter.Count == 0 && !everything)
        {
            throw new CommandFailure(ExitCodes.Usage, "Which dead letters?", "Expected an ID, a filter (--function, --since, --until), or --all. 'faas dead-letters list' shows what is open.");
        }

        if (one is not null && (filter.Count > 0 || everything))
        {
            throw new CommandFailure(ExitCodes.Usage, "An ID and a filter together mean nothing.", "Expected either an ID, or --function, --since, --until or --all.");
        }

        // "All of them" is said in so many words to the API, too.
        if (everything && filter.Count == 0)
        {
            filter.Add(("until", "0s"));
        }

        return (one, filter);
    }

    /// <summary>"?a=b&amp;c=d", or nothing.</summary>
    public static string Query(IEnumerable<(string Key, string Value)> parts)
    {
        var query = string.Join('&', parts.Select(part => $"{part.Key}={Uri.EscapeDataString(part.Value)}"));
        return query.Length == 0 ? "" : $"?{query}";
    }

    /// <summary>Joins the reports of two batches.</summary>
    public static DeadLetterReport Join(DeadLetterReport first, DeadLetterReport second) => new()
    {
        Count = first.Count + second.Count,
        Redriven = first.Redriven is null && second.Redriven is null ? null : [.. first.Redriven ?? [], .. second.Redriven ?? []],
        Skipped = [.. first.Skipped, .. second.Skipped],
    };
}

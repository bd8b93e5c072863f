using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Cli.Records;

internal static class InvocationsCommand
{
    private const int MostRows = 10_000;

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string?>("NAME|ID") { Description = "Only those of this function; with an id, everything about that one", Arity = ArgumentArity.ZeroOrOne };
        var status = new Option<string>("--status", "-s") { HelpName = "STATE", Description = $"Only those in this state: {string.Join(", ", States)}" };
        var since = new Option<string>("--since") { HelpName = "AGE|TIME", Description = "Only younger ones, for example 1h, 7d or 2026-03-01T00:00:00Z" };
        var limit = new Option<int>("--limit", "-n") { HelpName = "COUNT", Description = "At most so many, the newest first", DefaultValueFactory = _ => 20 };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "invocations",
            "Lists invocations, the newest first",
            "faas invocations hello",
            "faas invocations --status failed --since 1h",
            "faas invocations 0198c0de-0000-7000-8000-000000000000")
        {
            name, status, since, limit, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            if (Guid.TryParseExact(result.GetValue(name), "D", out var id))
            {
                return await ShowAsync(terminal, id, result.GetValue(output) == "json", cancellationToken);
            }

            var query = Query(result.GetValue(name), result.GetValue(status), result.GetValue(since));
            var count = result.GetValue(limit);
            if (count is < 1 or > MostRows)
            {
                throw new CommandFailure(ExitCodes.Usage, $"--limit {count} is out of range; expected 1 to {MostRows}.");
            }

            using var api = new ApiClient(terminal);
            var invocations = await api.GetPagesAsync<InvocationDescription>($"api/invocations{query}", count, "Listing invocations", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, invocations);
                return ExitCodes.Ok;
            }

            Write(terminal, invocations);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<int> ShowAsync(Terminal terminal, Guid id, bool asJson, CancellationToken cancellationToken)
    {
        using var api = new ApiClient(terminal);
        var invocation = await api.GetAsync<InvocationDescription>($"api/invocations/{id}", "Asking", cancellationToken);
        if (asJson)
        {
            OutputFormat.WriteJson(terminal, invocation);
        }
        else
        {
            InvocationView.Write(terminal, invocation);
        }

        return ExitCodes.Ok;
    }

    private static IEnumerable<string> States => Enum.GetValues<InvocationState>().Select(state => state.ToWire());

    private static string Query(string? function, string? state, string? since)
    {
        if (state is not null && !InvocationStates.TryParse(state, out _))
        {
            var nearest = Suggestion.For(state, States);
            throw new CommandFailure(
                ExitCodes.Usage, $"'{state}' is no state of an invocation.", nearest is null ? $"Expected one of {string.Join(", ", States)}." : $"Did you mean '{nearest}'?");
        }

        List<string> parts = [];
        foreach (var (key, value) in new[] { ("function", function), ("state", state), ("since", since) })
        {
            if (value is not null)
            {
                parts.Add($"{key}={Uri.EscapeDataString(value)}");
            }
        }

        return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
    }

    private static void Write(Terminal terminal, Page<InvocationDescription> invocations)
    {
        var listing = new Listing("ID", "FUNCTION", "REVISION", "STATE", "KIND", "ATTEMPT", "ACCEPTED", "TOOK", "ERROR") { Numbers = ["REVISION", "ATTEMPT", "TOOK"] };
        foreach (var invocation in invocations.Items)
        {
            listing.Add(
                invocation.Id.ToString(),
                invocation.Function,
                $"{invocation.Revision}",
                invocation.State,
                invocation.Kind,
                $"{invocation.Attempt}",
                Figures.Time(invocation.AcceptedAt, terminal.Time),
                Took(invocation, terminal.Time.GetUtcNow()),
                invocation.Error?.Code);
        }

        listing.Write(terminal);
    }

    // What waits for its time has taken none yet: how long it still waits says more.
    private static string Took(InvocationDescription invocation, DateTimeOffset now) =>
        invocation.EndedAt is { } ended ? Figures.Duration(ended - invocation.AcceptedAt)
        : invocation.DueAt is { } due && due > now ? $"in {Figures.Duration(due - now)}"
        : "";
}

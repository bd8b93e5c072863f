using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Cli.Records;

internal static class DispatchesCommand
{
    private const int MostRows = 10_000;
    private static readonly string[] States = ["waiting", "delivered", "dead"];

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string?>("NAME") { Description = "Only what this function's invocations told", Arity = ArgumentArity.ZeroOrOne };
        var state = new Option<string>("--state", "-s") { HelpName = "STATE", Description = $"Only those in this state: {string.Join(", ", States)}" };
        var limit = new Option<int>("--limit", "-n") { HelpName = "COUNT", Description = "At most so many, the newest first", DefaultValueFactory = _ => 20 };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "dispatches",
            "Lists what destinations and callbacks were told, the newest first",
            "faas dispatches thumbnail",
            "faas dispatches --state dead")
        {
            name, state, limit, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var query = Query(result.GetValue(name), result.GetValue(state));
            var count = result.GetValue(limit);
            if (count is < 1 or > MostRows)
            {
                throw new CommandFailure(ExitCodes.Usage, $"--limit {count} is out of range; expected 1 to {MostRows}.");
            }

            using var api = new ApiClient(terminal);
            var dispatches = await api.GetPagesAsync<DispatchDescription>($"api/dispatches{query}", count, "Listing what was told", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, dispatches);
                return ExitCodes.Ok;
            }

            Write(terminal, dispatches);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Query(string? function, string? state)
    {
        if (state is not null && !States.Contains(state))
        {
            var nearest = Suggestion.For(state, States);
            throw new CommandFailure(
                ExitCodes.Usage, $"'{state}' is no state of a dispatch.", nearest is null ? $"Expected one of {string.Join(", ", States)}." : $"Did you mean '{nearest}'?");
        }

        string?[] parts = [function is null ? null : $"function={Uri.EscapeDataString(function)}", state is null ? null : $"state={state}"];
        var given = parts.OfType<string>().ToArray();
        return given.Length == 0 ? "" : "?" + string.Join('&', given);
    }

    private static void Write(Terminal terminal, Page<DispatchDescription> dispatches)
    {
        var listing = new Listing("INVOCATION", "FUNCTION", "TOLD", "TARGET", "STATE", "ATTEMPTS", "SINCE", "ERROR") { Numbers = ["ATTEMPTS"] };
        foreach (var dispatch in dispatches.Items)
        {
            listing.Add(
                dispatch.InvocationId.ToString(),
                dispatch.Function,
                dispatch.Kind,
                dispatch.Target,
                dispatch.State,
                $"{dispatch.Attempts}",
                Figures.Time(dispatch.CreatedAt, terminal.Time),
                dispatch.State == "delivered" ? null : dispatch.LastError);
        }

        listing.Write(terminal);
    }
}

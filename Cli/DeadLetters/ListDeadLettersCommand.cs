using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.DeadLetters;

internal static class ListDeadLettersCommand
{
    private const int MostRows = 10_000;

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string?>("NAME") { Description = "Only those of this function", Arity = ArgumentArity.ZeroOrOne };
        var state = new Option<string>("--state", "-s") { HelpName = "STATE", Description = "open, redriven, discarded or all", DefaultValueFactory = _ => "open" };
        state.AcceptOnlyFromAmong("open", "redriven", "discarded", "all");
        var since = LetterChoice.CreateSince();
        var until = LetterChoice.CreateUntil();
        var limit = new Option<int>("--limit", "-n") { HelpName = "COUNT", Description = "At most so many, the newest first", DefaultValueFactory = _ => 20 };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "list", "Lists dead letters, those of the newest invocations first", "faas dead-letters list", "faas dead-letters list thumbnail --state all --since 1d")
        {
            name, state, since, until, limit, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var count = result.GetValue(limit);
            if (count is < 1 or > MostRows)
            {
                throw new CommandFailure(ExitCodes.Usage, $"--limit {count} is out of range; expected 1 to {MostRows}.");
            }

            var query = LetterChoice.Query(
                new[] { ("function", result.GetValue(name)), ("state", result.GetValue(state)), ("since", result.GetValue(since)), ("until", result.GetValue(until)) }
                    .Where(part => part.Item2 is not null).Select(part => (part.Item1, part.Item2!)));
            using var api = new ApiClient(terminal);
            var letters = await api.GetPagesAsync<DeadLetterDescription>($"api/dead-letters{query}", count, "Listing dead letters", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, letters);
            }
            else
            {
                Write(terminal, letters);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Write(Terminal terminal, Page<DeadLetterDescription> letters)
    {
        var listing = new Listing("ID", "FUNCTION", "REVISION", "STATE", "REASON", "ATTEMPT", "ENDED", "ERROR", "REDRIVEN AS") { Numbers = ["REVISION", "ATTEMPT"] };
        foreach (var letter in letters.Items)
        {
            listing.Add(
                letter.Id.ToString(),
                letter.Function,
                $"{letter.Revision}",
                letter.State,
                letter.Reason,
                $"{letter.Attempt}",
                Figures.Time(letter.EndedAt, terminal.Time),
                letter.Error?.Code,
                letter.RedrivenAs?.ToString());
        }

        listing.Write(terminal);
    }
}

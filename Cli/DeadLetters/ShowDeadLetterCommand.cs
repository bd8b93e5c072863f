using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.DeadLetters;

internal static class ShowDeadLetterCommand
{
    public static Command Create(Terminal terminal)
    {
        var id = new Argument<string>("ID") { Description = "The dead letter, which has the id of its invocation" };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "show", "Shows a dead letter with its attempts and its event", "faas dead-letters show 0198c0de-0000-7000-8000-000000000000") { id, output };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            var letter = await api.GetAsync<DeadLetterDescription>($"api/dead-letters/{Uri.EscapeDataString(result.GetRequiredValue(id))}", "Asking", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, letter);
            }
            else
            {
                Write(terminal, letter);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Write(Terminal terminal, DeadLetterDescription letter)
    {
        List<(string Label, string Value)> lines =
        [
            ("Id", letter.Id.ToString()),
            ("Function", $"{letter.Function} revision {letter.Revision}"),
            ("State", State(terminal, letter)),
            ("Reason", $"{letter.Reason}{(letter.Error is { } error ? $" ({error.Code})" : "")}"),
            ("Error", string.Join(": ", new[] { letter.Error?.Type, letter.Error?.Message }.OfType<string>())),
            ("Accepted", Figures.Time(letter.AcceptedAt, terminal.Time)),
            ("Ended", Figures.Time(letter.EndedAt, terminal.Time)),
            ("Made of", letter.RedriveOf?.ToString() ?? ""),
            .. (letter.Attempts ?? []).Select(attempt => (
                $"Attempt {attempt.Attempt}",
                $"{Figures.PreciseTime(attempt.StartedAt, terminal.Time)}  {attempt.Error ?? "ok"}  run {Figures.Milliseconds(attempt.RunMs)}  {attempt.Worker}")),
            ("Event", Event(letter.Event)),
        ];
        foreach (var (label, value) in lines.Where(line => line.Value.Length > 0))
        {
            terminal.Output.WriteLine($"{label,-12} {Messages.Printable(value)}");
        }

        if (letter.Event?.Text is { Length: > 0 } text)
        {
            terminal.Output.WriteLine();
            terminal.Output.WriteLine(Messages.Printable(text));
        }
    }

    private static string State(Terminal terminal, DeadLetterDescription letter) => letter switch
    {
        { RedrivenAs: { } made, SettledAt: { } at } => $"{letter.State} as {made} at {Figures.Time(at, terminal.Time)}",
        { SettledAt: { } at } => $"{letter.State} at {Figures.Time(at, terminal.Time)}",
        _ => letter.State,
    };

    private static string Event(EventDescription? kept) => kept is null
        ? "not there: the platform ended the invocation without having its message, so it cannot be re-driven"
        : string.Join("  ", new[] { kept.Method, kept.Path, kept.ContentType, Figures.Size(kept.Bytes) }.OfType<string>());
}

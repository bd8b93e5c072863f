using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Records;

internal static class LogsCommand
{
    // A megabyte of empty lines.
    private const int MostLines = 1 << 20;
    private const int MostInvocations = 1000;

    public static Command Create(Terminal terminal)
    {
        var target = new Argument<string>("NAME|ID") { Description = "A function, or one invocation" };
        var limit = new Option<int>("--limit", "-n") { HelpName = "COUNT", Description = "Of a function: so many of its last invocations", DefaultValueFactory = _ => 10 };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "logs",
            "Shows what a function printed",
            "faas logs hello",
            "faas logs 0195a3c2-7b1e-7c3d-9f00-2b6f6f0f8a11")
        {
            target, limit, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            var wanted = result.GetRequiredValue(target);
            var asJson = result.GetValue(output) == "json";
            if (Guid.TryParse(wanted, out var id))
            {
                var lines = await ReadAsync(api, id, cancellationToken);
                Write(terminal, lines, prefix: null, asJson);
                return ExitCodes.Ok;
            }

            var count = result.GetValue(limit);
            if (count is < 1 or > MostInvocations)
            {
                throw new CommandFailure(ExitCodes.Usage, $"--limit {count} is out of range; expected 1 to {MostInvocations}.");
            }

            // The newest come first; whoever reads logs reads downwards to the present.
            await EnsureExistsAsync(api, wanted, cancellationToken);
            var invocations = await api.GetPagesAsync<InvocationDescription>($"api/invocations?function={Uri.EscapeDataString(wanted)}", count, "Listing invocations", cancellationToken);
            var all = new List<LogLineDescription>();
            foreach (var invocation in invocations.Items.Reverse())
            {
                var lines = await ReadAsync(api, invocation.Id, cancellationToken);
                if (asJson)
                {
                    all.AddRange(lines.Items);
                }
                else
                {
                    Write(terminal, lines, invocation.Id, asJson: false);
                }
            }

            if (asJson)
            {
                OutputFormat.WriteJson(terminal, new Page<LogLineDescription> { Items = all });
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    // A function without invocations and a mistyped name would look the same.
    private static async Task EnsureExistsAsync(ApiClient api, string name, CancellationToken cancellationToken) =>
        await api.GetAsync<FunctionDescription>($"api/functions/{Uri.EscapeDataString(name)}", "Asking", cancellationToken);

    private static Task<Page<LogLineDescription>> ReadAsync(ApiClient api, Guid id, CancellationToken cancellationToken) =>
        api.GetPagesAsync<LogLineDescription>($"api/invocations/{id}/logs", MostLines, "Reading logs", cancellationToken);

    private static void Write(Terminal terminal, Page<LogLineDescription> lines, Guid? prefix, bool asJson)
    {
        if (asJson)
        {
            OutputFormat.WriteJson(terminal, lines);
            return;
        }

        foreach (var line in lines.Items)
        {
            var origin = prefix is { } id ? $"{id}  " : "";
            terminal.Output.WriteLine($"{Figures.PreciseTime(line.Time, terminal.Time)}  {origin}{line.Stream,-8}  {Messages.Printable(line.Text)}");
        }
    }
}

using System.CommandLine;
using System.Globalization;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Records;

internal static class UsageCommand
{
    public static Command Create(Terminal terminal)
    {
        var since = new Option<string>("--since") { HelpName = "AGE|TIME", Description = "From when on, for example 30d or 2026-03-01T00:00:00Z" };
        var until = new Option<string>("--until") { HelpName = "AGE|TIME", Description = "Until when; by default now" };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand("usage", "Shows what each function used and costs", "faas usage", "faas usage --since 7d -o json") { since, until, output };
        command.SetAction(async (result, cancellationToken) =>
        {
            List<string> query = [];
            foreach (var (key, value) in new[] { ("since", result.GetValue(since)), ("until", result.GetValue(until)) })
            {
                if (value is not null)
                {
                    query.Add($"{key}={Uri.EscapeDataString(value)}");
                }
            }

            using var api = new ApiClient(terminal);
            var report = await api.GetAsync<UsageReport>($"api/usage{(query.Count == 0 ? "" : "?" + string.Join('&', query))}", "Adding up", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, report);
            }
            else
            {
                Write(terminal, report);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Write(Terminal terminal, UsageReport report)
    {
        var listing = new Listing("FUNCTION", "ATTEMPTS", "ERRORS", "COLD", "BILLED", "GB-S", "COST")
        {
            Numbers = ["ATTEMPTS", "ERRORS", "COLD", "BILLED", "GB-S", "COST"],
        };
        var total = new UsageLine { Function = "total", Attempts = 0, Errors = 0, ColdStarts = 0, BilledMs = 0, GbSeconds = 0, Cost = 0 };
        foreach (var line in report.Functions)
        {
            Add(listing, line, report.Currency);
            total = total with
            {
                Attempts = total.Attempts + line.Attempts,
                Errors = total.Errors + line.Errors,
                ColdStarts = total.ColdStarts + line.ColdStarts,
                BilledMs = total.BilledMs + line.BilledMs,
                GbSeconds = total.GbSeconds + line.GbSeconds,
                Cost = total.Cost + line.Cost,
            };
        }

        Add(listing, total, report.Currency);
        if (terminal.OutputIsTerminal)
        {
            terminal.Output.WriteLine($"{Figures.Time(report.Since, terminal.Time)} to {Figures.Time(report.Until, terminal.Time)}");
        }

        listing.Write(terminal);
    }

    private static void Add(Listing listing, UsageLine line, string currency) => listing.Add(
        line.Function,
        Number(line.Attempts),
        Number(line.Errors),
        Number(line.ColdStarts),
        Figures.Milliseconds(line.BilledMs),
        line.GbSeconds.ToString("0.######", CultureInfo.InvariantCulture),
        Figures.Money(line.Cost, currency));

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}

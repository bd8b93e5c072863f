using System.CommandLine;
using System.Text;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.DeadLetters;

internal static class DiscardCommand
{
    public static Command Create(Terminal terminal)
    {
        var choice = new LetterChoice();
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "discard",
            "Gives a dead letter up, or all that match; the records of their invocations stay",
            "faas dead-letters discard 0198c0de-0000-7000-8000-000000000000",
            "faas dead-letters discard --function thumbnail --until 7d --yes");
        choice.AddTo(command);
        command.Add(yes);
        command.Add(output);
        command.SetAction(async (result, cancellationToken) =>
        {
            var (id, filter) = choice.Read(result);
            using var api = new ApiClient(terminal);
            if (id is null && !result.GetValue(yes) && !Confirm(terminal, api.Context.Url))
            {
                terminal.Error.WriteLine("Nothing was discarded.");
                return ExitCodes.Usage;
            }

            var report = id is null
                ? await LetterBatches.SendAsync(api, HttpMethod.Delete, "api/dead-letters", filter, "Discarding", cancellationToken)
                : await DiscardAsync(api, id, cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, report);
            }
            else
            {
                terminal.Output.WriteLine(id is null ? $"{report.Count} discarded" : $"{id}  discarded");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<DeadLetterReport> DiscardAsync(ApiClient api, string id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"api/dead-letters/{Uri.EscapeDataString(id)}");
        using var response = await api.SendAsync(request, $"Discarding {id}", ApiClient.UsualTimeout, cancellationToken);
        await api.ThrowIfFailedAsync(response, cancellationToken);
        return new DeadLetterReport { Count = 1 };
    }

    private static bool Confirm(Terminal terminal, Uri url)
    {
        if (!terminal.InputIsTerminal)
        {
            throw new CommandFailure(ExitCodes.Usage, "Whether to discard all open dead letters that match can only be asked at a terminal.", "Say --yes.");
        }

        terminal.Error.Write($"Discard all open dead letters on {url} that match? [y/N] ");
        terminal.Error.Flush();
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        return reader.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }
}

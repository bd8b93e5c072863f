using System.CommandLine;
using System.Text;
using FaasCluster.Cli.Connections;

namespace FaasCluster.Cli.Functions;

internal static class DeleteCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = "The function" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var command = new DocumentedCommand("delete", "Deletes a function; what waits for it is cancelled", "faas delete hello", "faas delete hello --yes") { name, yes };
        command.SetAction(async (result, cancellationToken) =>
        {
            var function = result.GetRequiredValue(name);
            using var api = new ApiClient(terminal);
            if (!result.GetValue(yes) && !Confirm(terminal, function, api.Context.Url))
            {
                terminal.Error.WriteLine("Nothing was deleted.");
                return ExitCodes.Usage;
            }

            using var request = new HttpRequestMessage(HttpMethod.Delete, $"api/functions/{Uri.EscapeDataString(function)}");
            using var response = await api.SendAsync(request, $"Deleting {function}", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            terminal.Output.WriteLine($"{function}  deleted");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static bool Confirm(Terminal terminal, string function, Uri url)
    {
        if (!terminal.InputIsTerminal)
        {
            throw new CommandFailure(ExitCodes.Usage, $"Whether to delete '{function}' can only be asked at a terminal.", "Say --yes.");
        }

        terminal.Error.Write($"Delete '{function}' with all its revisions from {url}? [y/N] ");
        terminal.Error.Flush();
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        return reader.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }
}

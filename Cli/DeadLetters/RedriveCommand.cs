using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Invoking;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.DeadLetters;

internal static class RedriveCommand
{
    public static Command Create(Terminal terminal)
    {
        var choice = new LetterChoice();
        var revision = new Option<int?>("--revision", "-r") { HelpName = "N", Description = "Run with this revision instead of the current one" };
        var wait = AcceptedInvocation.CreateWait();
        wait.Description = "With an ID: wait until the new invocation ended, retries included, and print its answer";
        var timeout = AcceptedInvocation.CreateTimeout();
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "redrive",
            "Makes a new invocation of a dead letter, or of all that match; once of each",
            "faas dead-letters redrive 0198c0de-0000-7000-8000-000000000000 --wait",
            "faas dead-letters redrive --function thumbnail --since 1d --revision 3");
        choice.AddTo(command);
        command.Add(revision);
        command.Add(wait);
        command.Add(timeout);
        command.Add(output);
        command.SetAction(async (result, cancellationToken) =>
        {
            var (id, filter) = choice.Read(result);
            var asJson = result.GetValue(output) == "json";
            if (result.GetValue(revision) is { } number)
            {
                filter.Add(("revision", $"{number}"));
            }

            var limit = InvocationOptions.Seconds(result.GetValue(timeout), AcceptedInvocation.LongestWait);
            if (id is null && result.GetValue(wait))
            {
                throw new CommandFailure(ExitCodes.Usage, "--wait waits for one invocation.", "Expected it together with an ID. 'faas invocations' shows how the others end.");
            }

            using var api = new ApiClient(terminal);
            if (id is null)
            {
                var report = await LetterBatches.SendAsync(api, HttpMethod.Post, "api/dead-letters/redrive", filter, "Re-driving", cancellationToken);
                return Report(terminal, report, asJson);
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, $"api/dead-letters/{Uri.EscapeDataString(id)}/redrive{LetterChoice.Query(filter)}");
            using var response = await api.SendAsync(request, $"Re-driving {id}", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            var accepted = await api.ReadAsync<AcceptedDescription>(response, cancellationToken);
            return await AcceptedInvocation.FollowAsync(terminal, api, accepted, result.GetValue(wait) ? limit : null, asJson, cancellationToken);
        });
        return command;
    }

    private static int Report(Terminal terminal, DeadLetterReport report, bool asJson)
    {
        if (asJson)
        {
            OutputFormat.WriteJson(terminal, report);
        }
        else
        {
            var listing = new Listing("DEAD LETTER", "INVOCATION");
            foreach (var pair in report.Redriven ?? [])
            {
                listing.Add(pair.Of.ToString(), pair.Id.ToString());
            }

            listing.Write(terminal);
        }

        foreach (var skipped in report.Skipped)
        {
            Messages.WriteWarning(terminal, $"{skipped.Id} stays open: {skipped.Reason}");
        }

        // A script that asked for all must hear that some are left, whatever they are left for.
        return report.Skipped.Count == 0 ? ExitCodes.Ok : ExitCodes.Usage;
    }
}

using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.DeadLetters;
using FaasCluster.Cli.Invoking;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Records;

internal static class ReplayCommand
{
    public static Command Create(Terminal terminal)
    {
        var id = new Argument<string>("ID") { Description = "The ended asynchronous invocation" };
        var revision = new Option<int?>("--revision", "-r") { HelpName = "N", Description = "Run with this revision instead of the one that it ran with" };
        var quiet = new Option<bool>("--no-destinations") { Description = "No destination hears of the new invocation" };
        var wait = AcceptedInvocation.CreateWait();
        var timeout = AcceptedInvocation.CreateTimeout();
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "replay",
            "Makes a new invocation with the event of an ended one",
            "faas replay 0198c0de-0000-7000-8000-000000000000 --wait",
            "faas replay 0198c0de-0000-7000-8000-000000000000 --revision 3 --no-destinations")
        {
            id, revision, quiet, wait, timeout, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var limit = InvocationOptions.Seconds(result.GetValue(timeout), AcceptedInvocation.LongestWait);
            List<(string Key, string Value)> query = [];
            if (result.GetValue(revision) is { } number)
            {
                query.Add(("revision", $"{number}"));
            }

            if (result.GetValue(quiet))
            {
                query.Add(("destinations", "suppress"));
            }

            using var api = new ApiClient(terminal);
            var invocation = result.GetRequiredValue(id);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"api/invocations/{Uri.EscapeDataString(invocation)}/replay{LetterChoice.Query(query)}");
            using var response = await api.SendAsync(request, $"Replaying {invocation}", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            var accepted = await api.ReadAsync<AcceptedDescription>(response, cancellationToken);
            return await AcceptedInvocation.FollowAsync(terminal, api, accepted, result.GetValue(wait) ? limit : null, result.GetValue(output) == "json", cancellationToken);
        });
        return command;
    }
}

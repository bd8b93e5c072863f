using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Records;

internal static class ResendCommand
{
    public static Command Create(Terminal terminal)
    {
        var id = new Argument<string>("ID") { Description = "The invocation whose end could not be told" };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "resend",
            "Sends again what destination or callback of an invocation did not take",
            "faas resend 0198c0de-0000-7000-8000-000000000000")
        {
            id, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            var invocation = await api.GetAsync<InvocationDescription>($"api/invocations/{Uri.EscapeDataString(result.GetRequiredValue(id))}", "Asking", cancellationToken);
            var dead = (invocation.Dispatches ?? []).Where(dispatch => dispatch.State == "dead").ToArray();
            if (dead.Length == 0)
            {
                throw new CommandFailure(ExitCodes.Usage, $"Nothing about {invocation.Id} was given up.", $"'faas invocations {invocation.Id}' shows whom its end was told.");
            }

            foreach (var dispatch in dead)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"api/dispatches/{invocation.Id}/{dispatch.Kind}/resend");
                using var response = await api.SendAsync(request, $"Sending to {dispatch.Target}", ApiClient.UsualTimeout, cancellationToken);
                await api.ThrowIfFailedAsync(response, cancellationToken);
                var sent = await api.ReadAsync<DispatchDescription>(response, cancellationToken);
                if (result.GetValue(output) == "json")
                {
                    OutputFormat.WriteJson(terminal, sent);
                }
                else
                {
                    terminal.Output.WriteLine($"{sent.InvocationId}  {sent.Kind} {Messages.Printable(sent.Target)}  {sent.State}");
                }
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}

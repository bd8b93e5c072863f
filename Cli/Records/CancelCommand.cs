using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Records;

internal static class CancelCommand
{
    public static Command Create(Terminal terminal)
    {
        var id = new Argument<string>("ID") { Description = "The invocation" };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "cancel",
            "Cancels an invocation that waits or runs",
            "faas cancel 0198c0de-0000-7000-8000-000000000000")
        {
            id, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            var invocation = result.GetRequiredValue(id);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"api/invocations/{Uri.EscapeDataString(invocation)}/cancel");
            using var response = await api.SendAsync(request, $"Cancelling {invocation}", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            var cancelled = await api.ReadAsync<InvocationDescription>(response, cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, cancelled);
            }
            else
            {
                terminal.Output.WriteLine($"{cancelled.Id}  {cancelled.State}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}

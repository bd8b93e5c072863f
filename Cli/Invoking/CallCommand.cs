using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Cli.Invoking;

internal static class CallCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = "The function" };
        var data = InvocationOptions.CreateData();
        var contentType = InvocationOptions.CreateContentType();
        var callback = new Option<string>("--callback") { HelpName = "URL", Description = "Where its end is posted" };
        var wait = AcceptedInvocation.CreateWait();
        var timeout = AcceptedInvocation.CreateTimeout();
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "call",
            "Calls a function asynchronously and prints the invocation's id",
            "faas call hello -d '{\"name\":\"Ada\"}'",
            "faas call thumbnail -d @photo.jpg --wait")
        {
            name, data, contentType, callback, wait, timeout, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            using var content = await EventData.ReadAsync(terminal, result.GetValue(data), result.GetValue(contentType), cancellationToken);
            var limit = InvocationOptions.Seconds(result.GetValue(timeout), AcceptedInvocation.LongestWait);
            var function = result.GetRequiredValue(name);
            using var request = new HttpRequestMessage(HttpMethod.Post, InvocationOptions.Path(function)) { Content = content };
            request.Headers.Add("Prefer", "respond-async");
            if (result.GetValue(callback) is { } url && !request.Headers.TryAddWithoutValidation(HeaderNames.CallbackUrl, url))
            {
                throw new CommandFailure(ExitCodes.Usage, "--callback holds what no URL has.", "Expected http://HOST/PATH or https://HOST/PATH.");
            }

            using var response = await api.SendAsync(request, $"Calling {function}", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            var accepted = await api.ReadAsync<AcceptedDescription>(response, cancellationToken);
            return await AcceptedInvocation.FollowAsync(terminal, api, accepted, result.GetValue(wait) ? limit : null, result.GetValue(output) == "json", cancellationToken);
        });
        return command;
    }
}

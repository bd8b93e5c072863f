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
        var delay = new Option<string>("--delay") { HelpName = "SPAN", Description = "Run it later, for example 30s, 5m, 2h or 1d from now" };
        var at = new Option<string>("--at") { HelpName = "TIME", Description = "Run it at a time, for example 2026-03-01T12:00:00Z" };
        var key = InvocationOptions.CreateIdempotencyKey();
        var wait = AcceptedInvocation.CreateWait();
        var timeout = AcceptedInvocation.CreateTimeout();
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand(
            "call",
            "Calls a function asynchronously and prints the invocation's id",
            "faas call hello -d '{\"name\":\"Ada\"}'",
            "faas call thumbnail -d @photo.jpg --wait",
            "faas call reminder -d '{\"to\":\"Ada\"}' --delay 2h --idempotency-key reminder-4711")
        {
            name, data, contentType, callback, delay, at, key, wait, timeout, output,
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

            if (result.GetValue(delay) is not null && result.GetValue(at) is not null)
            {
                throw new CommandFailure(ExitCodes.Usage, "--delay and --at exclude each other.");
            }

            AddTime(request, HeaderNames.Delay, result.GetValue(delay), "--delay", "30s, 5m, 2h or 1d");
            AddTime(request, HeaderNames.At, result.GetValue(at), "--at", "2026-03-01T12:00:00Z");
            InvocationOptions.AddIdempotencyKey(request, result.GetValue(key));
            using var response = await api.SendAsync(request, $"Calling {function}", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            var accepted = await api.ReadAsync<AcceptedDescription>(response, cancellationToken);
            return await AcceptedInvocation.FollowAsync(terminal, api, accepted, result.GetValue(wait) ? limit : null, result.GetValue(output) == "json", cancellationToken);
        });
        return command;
    }

    // The gateway says what is wrong with a time; only what no header field can hold is said here.
    private static void AddTime(HttpRequestMessage request, string header, string? value, string option, string example)
    {
        if (value is not null && (value.Length == 0 || value.Any(c => c is < ' ' or > '~') || !request.Headers.TryAddWithoutValidation(header, value)))
        {
            throw new CommandFailure(ExitCodes.Usage, $"{option} is no time; expected for example {example}.");
        }
    }
}

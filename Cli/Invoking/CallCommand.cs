using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Cli.Invoking;

internal static class CallCommand
{
    private const int LongestWait = 6 * 3600;

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = "The function" };
        var data = InvocationOptions.CreateData();
        var contentType = InvocationOptions.CreateContentType();
        var callback = new Option<string>("--callback") { HelpName = "URL", Description = "Where its end is posted" };
        var wait = new Option<bool>("--wait", "-w") { Description = "Wait until it ended, retries included, and print its answer" };
        var timeout = new Option<int>("--timeout") { HelpName = "SECONDS", Description = "How long --wait waits", DefaultValueFactory = _ => 900 };
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
            var limit = InvocationOptions.Seconds(result.GetValue(timeout), LongestWait);
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
            var asJson = result.GetValue(output) == "json";
            if (!result.GetValue(wait))
            {
                Write(terminal, accepted, asJson);
                return ExitCodes.Ok;
            }

            var ended = await Spinner.WhileAsync(terminal, $"Waiting for {accepted.Id}", WaitAsync(terminal, api, accepted.Id, limit, cancellationToken));
            return await ReportAsync(terminal, ended, asJson, cancellationToken);
        });
        return command;
    }

    private static void Write(Terminal terminal, AcceptedDescription accepted, bool asJson)
    {
        if (asJson)
        {
            OutputFormat.WriteJson(terminal, accepted);
        }
        else
        {
            terminal.Output.WriteLine(accepted.Id);
        }
    }

    private static async Task<InvocationDescription> WaitAsync(Terminal terminal, ApiClient api, Guid id, TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = terminal.Time.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(20);
        while (true)
        {
            var invocation = await api.GetAsync<InvocationDescription>($"api/invocations/{id}", "Waiting", cancellationToken);
            if (InvocationStates.TryParse(invocation.State, out var state) && state.IsTerminal())
            {
                return invocation;
            }

            if (terminal.Time.GetElapsedTime(started) >= limit)
            {
                throw new CommandFailure(
                    ExitCodes.Unreachable, $"{id} is still {invocation.State} after {Figures.Duration(limit)}.", "It goes on without this command; 'faas invocations' shows how it ends.");
            }

            await Task.Delay(pause, terminal.Time, cancellationToken);
            pause = pause * 1.5 < TimeSpan.FromSeconds(1) ? pause * 1.5 : TimeSpan.FromSeconds(1);
        }
    }

    private static async Task<int> ReportAsync(Terminal terminal, InvocationDescription ended, bool asJson, CancellationToken cancellationToken)
    {
        var succeeded = ended.State == InvocationState.Succeeded.ToWire();
        if (asJson)
        {
            OutputFormat.WriteJson(terminal, ended);
        }
        else if (ended.Result is { } result)
        {
            var payload = result.Base64 is { } base64 ? Convert.FromBase64String(base64) : System.Text.Encoding.UTF8.GetBytes(result.Text ?? "");
            await terminal.OutputStream.WriteAsync(payload, cancellationToken);
            if (terminal.OutputIsTerminal && payload.Length > 0 && payload[^1] != '\n')
            {
                terminal.OutputStream.WriteByte((byte)'\n');
            }

            await terminal.OutputStream.FlushAsync(cancellationToken);
        }
        else if (succeeded && terminal.ErrorIsTerminal)
        {
            Messages.WriteWarning(terminal, "Its answer is not kept: it is too large for the record.");
        }

        if (!succeeded)
        {
            Messages.WriteError(
                terminal,
                $"The invocation {ended.State}{(ended.Error is { } error ? $" ({error.Code})" : "")}.",
                [.. new[] { ended.Error?.Message }.OfType<string>(), $"'faas logs {ended.Id}' shows what it printed."]);
        }

        if (terminal.ErrorIsTerminal)
        {
            terminal.Error.WriteLine(InvocationSummary.For(ended));
        }

        return succeeded ? ExitCodes.Ok : ExitCodes.FunctionFailed;
    }
}

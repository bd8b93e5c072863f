using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Cli.Invoking;

internal static class InvokeCommand
{
    // The longest that a call can take: wait, init and run deadlines at their limits, and a little for the way.
    private const int LongestCall = 300 + 300 + 900 + 30;

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = "The function" };
        var data = InvocationOptions.CreateData();
        var contentType = InvocationOptions.CreateContentType();
        var timeout = new Option<int>("--timeout") { HelpName = "SECONDS", Description = "How long to wait for the answer", DefaultValueFactory = _ => LongestCall };
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Print the line with times, memory and price even if nobody looks at a terminal" };
        var key = InvocationOptions.CreateIdempotencyKey();
        var output = OutputFormat.CreateOption();
        output.Description = "table prints the function's answer as it is, json the record of the invocation";
        var command = new DocumentedCommand(
            "invoke",
            "Calls a function, waits, and prints its answer",
            "faas invoke hello -d '{\"name\":\"Ada\"}'",
            "faas invoke thumbnail -d @photo.jpg > small.jpg",
            "echo some words | faas invoke wordcount -d -")
        {
            name, data, contentType, key, timeout, verbose, output,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            using var content = await EventData.ReadAsync(terminal, result.GetValue(data), result.GetValue(contentType), cancellationToken);
            var function = result.GetRequiredValue(name);
            using var request = new HttpRequestMessage(HttpMethod.Post, InvocationOptions.Path(function)) { Content = content };
            InvocationOptions.AddIdempotencyKey(request, result.GetValue(key));
            var limit = InvocationOptions.Seconds(result.GetValue(timeout), LongestCall);
            using var response = await api.SendAsync(request, $"Calling {function}", limit, cancellationToken);
            return await ReportAsync(terminal, api, response, result.GetValue(verbose), result.GetValue(output) == "json", cancellationToken);
        });
        return command;
    }

    private static async Task<int> ReportAsync(
        Terminal terminal, ApiClient api, HttpResponseMessage response, bool verbose, bool asJson, CancellationToken cancellationToken)
    {
        var problem = response.Headers.Contains(HeaderNames.Error) || !response.Headers.Contains(HeaderNames.InvocationId)
            ? await Problems.ReadAsync(response, cancellationToken)
            : null;
        var hasFailed = problem is not null || response.Headers.Contains(HeaderNames.Error)
            || (!response.IsSuccessStatusCode && !response.Headers.Contains(HeaderNames.InvocationId));
        var record = asJson || verbose || terminal.ErrorIsTerminal ? await FindRecordAsync(api, response, cancellationToken) : null;
        if (asJson && record is not null)
        {
            OutputFormat.WriteJson(terminal, record);
        }
        else if (!hasFailed)
        {
            var payload = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            await terminal.OutputStream.WriteAsync(payload, cancellationToken);
            if (terminal.OutputIsTerminal && payload.Length > 0 && payload[^1] != '\n')
            {
                // Only for the eye: a file or a pipe gets the bytes and nothing else.
                terminal.OutputStream.WriteByte((byte)'\n');
            }

            await terminal.OutputStream.FlushAsync(cancellationToken);
        }

        var exitCode = ExitCodes.Ok;
        if (hasFailed)
        {
            var failure = Problems.ToFailure(problem, response, api.Context);
            Messages.WriteError(terminal, failure.Message, failure.Details);
            exitCode = failure.ExitCode;
        }
        else if (!response.IsSuccessStatusCode)
        {
            // The function's own words, with a status that says error.
            exitCode = ExitCodes.FunctionFailed;
        }

        if ((verbose || terminal.ErrorIsTerminal) && response.Headers.Contains(HeaderNames.InvocationId))
        {
            terminal.Error.WriteLine(InvocationSummary.For(response, record));
        }

        return exitCode;
    }

    // The answer is there already: a record that cannot be read costs figures, not the command.
    private static async Task<InvocationDescription?> FindRecordAsync(ApiClient api, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.Headers.TryGetValues(HeaderNames.InvocationId, out var ids) || !Guid.TryParse(ids.First(), out var id))
        {
            return null;
        }

        try
        {
            return await api.GetAsync<InvocationDescription>($"api/invocations/{id}", "Reading its record", cancellationToken);
        }
        catch (CommandFailure)
        {
            return null;
        }
    }
}

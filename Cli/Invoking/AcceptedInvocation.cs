using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Cli.Invoking;

/// <summary>What follows a 202: the id, or with --wait the end.</summary>
internal static class AcceptedInvocation
{
    /// <summary>The longest that --wait waits, in seconds.</summary>
    public const int LongestWait = 6 * 3600;

    public static Option<bool> CreateWait() => new("--wait", "-w") { Description = "Wait until it ended, retries included, and print its answer" };

    public static Option<int> CreateTimeout() =>
        new("--timeout") { HelpName = "SECONDS", Description = "How long --wait waits", DefaultValueFactory = _ => 900 };

    /// <summary>Prints the id, or waits for the end and prints the answer.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> FollowAsync(
        Terminal terminal, ApiClient api, AcceptedDescription accepted, TimeSpan? wait, bool asJson, CancellationToken cancellationToken)
    {
        if (wait is not { } limit)
        {
            Write(terminal, accepted, asJson);
            return ExitCodes.Ok;
        }

        var ended = await Spinner.WhileAsync(terminal, $"Waiting for {accepted.Id}", WaitAsync(terminal, api, accepted.Id, limit, cancellationToken));
        return await ReportAsync(terminal, ended, asJson, cancellationToken);
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

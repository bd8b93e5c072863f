using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using FaasCluster.Cli.DeadLetters;
using FaasCluster.Cli.Deploying;
using FaasCluster.Cli.Diagnosis;
using FaasCluster.Cli.Functions;
using FaasCluster.Cli.Invoking;
using FaasCluster.Cli.Output;
using FaasCluster.Cli.Records;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Cli;

/// <summary>The <c>faas</c> command: parses, runs, and turns every way to fail into a message and an exit code.</summary>
internal static class FaasCommandLine
{
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, CancellationToken cancellationToken = default)
    {
        var root = Create(terminal);
        if (arguments.Length == 0)
        {
            await root.Parse("--help").InvokeAsync(new InvocationConfiguration { Output = terminal.Output, Error = terminal.Error }, cancellationToken);
            return ExitCodes.Usage;
        }

        // "@file" is the event in a file, not a file of further arguments.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction || (parsed.Action is null && parsed.Errors.Count > 0)
            || (parsed.Action is not HelpWithExamples && MistypedOption(parsed) is not null))
        {
            return ReportUsage(parsed, terminal);
        }

        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            Output = terminal.Output,
            Error = terminal.Error,
        };
        try
        {
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (CommandFailure failure)
        {
            Messages.WriteError(terminal, failure.Message, failure.Details);
            return failure.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.WriteError(terminal, exception.Message, []);
            return ExitCodes.Usage;
        }
    }

    private static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand("Deploys and calls functions on a FaasCluster.\n\nThe cluster is the one that ./run started last, or that of FAAS_URL and FAAS_KEY.")
        {
            DeployCommand.Create(terminal),
            InvokeCommand.Create(terminal),
            CallCommand.Create(terminal),
            ListCommand.Create(terminal),
            DescribeCommand.Create(terminal),
            LogsCommand.Create(terminal),
            InvocationsCommand.Create(terminal),
            CancelCommand.Create(terminal),
            DispatchesCommand.Create(terminal),
            ResendCommand.Create(terminal),
            ReplayCommand.Create(terminal),
            DeadLettersCommand.Create(terminal),
            UsageCommand.Create(terminal),
            DeleteCommand.Create(terminal),
            DoctorCommand.Create(terminal),
        };
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            option.Action = new HelpWithExamples((HelpAction)option.Action!);
        }

        return root;
    }

    // The parser takes an unknown option for an argument where there is room for one. Nothing that is named here starts with '-'.
    private static string? MistypedOption(ParseResult parsed) =>
        parsed.UnmatchedTokens
            .Concat(parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value))
            .FirstOrDefault(token => token.StartsWith('-') && token.Length > 1);

    private static int ReportUsage(ParseResult parsed, Terminal terminal)
    {
        var command = parsed.CommandResult.Command;
        var unmatched = MistypedOption(parsed) ?? parsed.UnmatchedTokens.FirstOrDefault();
        var title = parsed.Errors.Count > 0 ? parsed.Errors[0].Message : "";
        List<string> details = [.. parsed.Errors.Skip(1).Select(error => error.Message).Where(message => message != title).Distinct()];
        if (unmatched is not null)
        {
            var isOption = unmatched.StartsWith('-');
            title = isOption ? $"There is no option '{unmatched}'."
                : command is RootCommand ? $"There is no command '{unmatched}'."
                : $"'{unmatched}' is one argument too many.";
            details.Clear();
            var known = isOption
                ? command.Options.Concat(parsed.RootCommandResult.Command.Options.Where(option => option.Recursive)).SelectMany(option => option.Aliases.Append(option.Name))
                : command.Subcommands.Select(subcommand => subcommand.Name);
            if (Suggestion.For(unmatched, known.Where(word => word.StartsWith('-') == isOption)) is { } nearest)
            {
                details.Add($"Did you mean '{nearest}'?");
            }
        }

        var path = Path(command);
        details.Add($"'{path} --help' shows what is possible{(command is DocumentedCommand { Examples: [var example, ..] } ? $", for example: {example}" : ".")}");
        Messages.WriteError(terminal, title, details);
        return ExitCodes.Usage;
    }

    // "faas dead-letters list": the root is named after whatever runs it.
    private static string Path(Command command) => command is RootCommand ? "faas"
        : $"{(command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? Path(parent) : "faas")} {command.Name}";
}

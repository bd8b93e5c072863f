using System.CommandLine;

namespace FaasCluster.Cli.DeadLetters;

/// <summary>The commands for what ended other than well.</summary>
internal static class DeadLettersCommand
{
    public static Command Create(Terminal terminal) => new DocumentedCommand(
        "dead-letters",
        "Shows, re-drives and discards asynchronous invocations that did not succeed",
        "faas dead-letters list --since 1d",
        "faas dead-letters redrive --function thumbnail --revision 3")
    {
        ListDeadLettersCommand.Create(terminal),
        ShowDeadLetterCommand.Create(terminal),
        RedriveCommand.Create(terminal),
        DiscardCommand.Create(terminal),
    };
}

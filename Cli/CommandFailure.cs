namespace FaasCluster.Cli;

/// <summary>Ends a command with a message for people and an exit code. The one exception that commands throw on purpose.</summary>
internal sealed class CommandFailure(int exitCode, string title, params IReadOnlyList<string> details) : Exception(title)
{
    public int ExitCode => exitCode;

    /// <summary>Lines below the title: what exactly, and what to do.</summary>
    public IReadOnlyList<string> Details => details;
}

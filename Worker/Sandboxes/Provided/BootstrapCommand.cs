using System.Text;
using System.Text.RegularExpressions;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>What a booted sandbox is told in the end (runtimes/provided/start.sh): its function's environment and program.</summary>
internal static partial class BootstrapCommand
{
    /// <summary>
    /// Two commands of a shell. Every word of them is in single quotes, where nothing has a meaning but the quote itself.
    /// </summary>
    /// <param name="environment">Names without '=', values without NUL.</param>
    /// <param name="path">The program, as the sandbox sees it.</param>
    public static byte[] Write(IReadOnlyDictionary<string, string> environment, string path)
    {
        var text = new StringBuilder();
        Command(text, "export", environment.Where(variable => IsOrdinary(variable.Key)).Select(Assignment));

        // One program more on the way costs half a millisecond, which only those pay who have such a name.
        var others = environment.Where(variable => !IsOrdinary(variable.Key)).Select(Assignment).ToList();
        Command(text, "set --", others.Count == 0 ? [path] : ["/usr/bin/env", "--", .. others, path]);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static bool IsOrdinary(string name) => Name().IsMatch(name) && !ShellsOwn().IsMatch(name);

    private static string Assignment(KeyValuePair<string, string> variable) => $"{variable.Key}={variable.Value}";

    // A quote ends the quoted text, stands escaped outside, and begins it again.
    private static void Command(StringBuilder text, string command, IEnumerable<string> words)
    {
        text.Append(command);
        foreach (var word in words)
        {
            text.Append(" '").Append(word.Replace("'", "'\\''", StringComparison.Ordinal)).Append('\'');
        }

        text.Append('\n');
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    // Those that mean something to dash or bash: some cannot be assigned, others not to any text, or not without a consequence.
    [GeneratedRegex(
        "^(BASH|COMP_|COMPREPLY|COPROC|EPOCH|HIST|LC_|MAIL|OPT|PROMPT_|PS[0-9]|READLINE_).*$"
        + "|^(_|ATTY|CHILD_MAX|COLUMNS|DIRSTACK|ENV|EUID|EXECIGNORE|FCEDIT|FIGNORE|FUNC.*|GLOBIGNORE|GROUPS|HOST.*|IFS|IGNOREEOF|INPUTRC|LINENO|LINES|MACHTYPE"
        + "|MAPFILE|OLDPWD|OSTYPE|PIPESTATUS|POSIXLY_CORRECT|PPID|PWD|RANDOM|REPLY|SECONDS|SHELL.*|SHLVL|SRANDOM|TERM|TEXTDOMAIN.*|TIMEFORMAT|TMOUT|UID|histchars|auto_resume)$",
        RegexOptions.CultureInvariant)]
    private static partial Regex ShellsOwn();
}

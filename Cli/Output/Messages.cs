namespace FaasCluster.Cli.Output;

/// <summary>Messages on standard error.</summary>
internal static class Messages
{
    public static void WriteError(Terminal terminal, string title, IReadOnlyList<string> details)
    {
        terminal.Error.WriteLine($"{Paint(terminal, "Error:", "31;1")} {title}");
        foreach (var line in details)
        {
            terminal.Error.WriteLine($"  {Printable(line)}");
        }
    }

    public static void WriteWarning(Terminal terminal, string text) =>
        terminal.Error.WriteLine($"{Paint(terminal, "Warning:", "33;1")} {Printable(text)}");

    /// <summary>Colours text on a terminal that allows it.</summary>
    /// <param name="terminal">Where it is shown.</param>
    /// <param name="text">The text.</param>
    /// <param name="color">The parameters of the SGR sequence, for example "31;1".</param>
    public static string Paint(Terminal terminal, string text, string color) =>
        terminal.ErrorIsTerminal && terminal.AllowsColor ? $"\e[{color}m{text}\e[0m" : text;

    /// <summary>What a function wrote must not drive the terminal of whoever reads it: control characters are shown, not sent.</summary>
    public static string Printable(string text) =>
        text.AsSpan().IndexOfAnyInRange('\0', '\u001F') < 0 && text.AsSpan().IndexOfAnyInRange('\u007F', '\u009F') < 0
            ? text
            : string.Concat(text.Select(c => char.IsControl(c) && c is not ('\t' or '\n') ? (c < ' ' ? (char)('\u2400' + c) : '\uFFFD') : c));
}

using System.Text;

namespace FaasCluster.Cli;

/// <summary>What surrounds the command: streams, environment, directory, clock. Tests bring their own.</summary>
internal sealed class Terminal
{
    /// <summary>Standard output, for payloads as they are. Text goes through <see cref="Output"/>.</summary>
    public required Stream OutputStream { get; init; }

    public required TextWriter Output { get; init; }

    public required TextWriter Error { get; init; }

    public required Stream Input { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    public bool InputIsTerminal { get; init; }

    /// <summary>Columns of the terminal.</summary>
    public int Width { get; init; } = 120;

    public required Func<string, string?> Environment { get; init; }

    public required string CurrentDirectory { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>False where NO_COLOR (no-color.org) or a dumb terminal says so.</summary>
    public bool AllowsColor => string.IsNullOrEmpty(Environment("NO_COLOR")) && Environment("TERM") != "dumb";

    public static Terminal OfProcess()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var output = Console.OpenStandardOutput();
        return new Terminal
        {
            OutputStream = output,
            Output = new StreamWriter(output, utf8) { AutoFlush = true },
            Error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true },
            Input = Console.OpenStandardInput(),
            OutputIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = !Console.IsErrorRedirected,
            InputIsTerminal = !Console.IsInputRedirected,
            Width = Console.IsOutputRedirected ? 120 : Math.Max(40, Console.WindowWidth),
            Environment = System.Environment.GetEnvironmentVariable,
            CurrentDirectory = Directory.GetCurrentDirectory(),
        };
    }
}

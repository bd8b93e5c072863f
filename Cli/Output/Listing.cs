using System.Text;
using Spectre.Console;

namespace FaasCluster.Cli.Output;

/// <summary>
/// A list for people. On a terminal it fits the width; piped it is plain text in columns, one line per row, whatever the length,
/// so that grep and awk can work with it.
/// </summary>
internal sealed class Listing(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Columns of numbers, aligned to the right.</summary>
    public IReadOnlyList<string> Numbers { get; init; } = [];

    public void Add(params string?[] cells) => _rows.Add([.. cells.Select(cell => Messages.Printable(cell ?? ""))]);

    public void Write(Terminal terminal)
    {
        if (terminal.OutputIsTerminal)
        {
            WriteFitting(terminal);
        }
        else
        {
            WritePlain(terminal.Output);
        }
    }

    private void WriteFitting(Terminal terminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new FixedWidthOutput(terminal),
            Ansi = terminal.AllowsColor ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = terminal.AllowsColor ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold)))
            {
                Alignment = Numbers.Contains(column) ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, 2, 0),
            });
        }

        foreach (var row in _rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.Write(table);
    }

    private void WritePlain(TextWriter output)
    {
        var widths = columns.Select((column, i) => Math.Max(column.Length, _rows.Count == 0 ? 0 : _rows.Max(row => row[i].Length))).ToArray();
        foreach (var row in _rows.Prepend(columns))
        {
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++)
            {
                line.Append(Numbers.Contains(columns[i]) ? row[i].PadLeft(widths[i]) : row[i].PadRight(widths[i])).Append("  ");
            }

            output.WriteLine(line.ToString().TrimEnd());
        }
    }

    private sealed class FixedWidthOutput(Terminal terminal) : IAnsiConsoleOutput
    {
        public TextWriter Writer => terminal.Output;

        public bool IsTerminal => terminal.OutputIsTerminal;

        public int Width => terminal.Width;

        public int Height => 80;

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}

using System.Text;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Remembers the lines of an invocation.</summary>
internal sealed class TestLog : IExecutionLog
{
    private readonly List<(string Stream, string Line, int Length)> lines = [];

    public IReadOnlyList<(string Stream, string Line, int Length)> Lines
    {
        get
        {
            lock (lines)
            {
                return [.. lines];
            }
        }
    }

    public string Text => string.Join('\n', Lines.Select(line => $"{line.Stream}: {line.Line}"));

    public void Write(string stream, ReadOnlySpan<byte> line)
    {
        lock (lines)
        {
            lines.Add((stream, Encoding.Latin1.GetString(line), line.Length));
        }
    }
}

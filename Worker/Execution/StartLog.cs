using System.Text;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>Collects what is printed while a sandbox is started: whose invocation it belongs to is known afterwards.</summary>
internal sealed class StartLog(TimeProvider time) : IExecutionLog
{
    private List<StartLine>? lines;

    /// <summary>What was printed, in order.</summary>
    public IReadOnlyList<StartLine> Lines => lines ?? (IReadOnlyList<StartLine>)[];

    /// <inheritdoc/>
    public void Write(string stream, ReadOnlySpan<byte> line) => (lines ??= []).Add(new(time.GetUtcNow(), stream, Encoding.UTF8.GetString(line)));
}

/// <summary>One line.</summary>
internal readonly record struct StartLine(DateTimeOffset Time, string Stream, string Text);

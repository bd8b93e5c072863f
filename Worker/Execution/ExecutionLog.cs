using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>Collects the lines of one attempt until it ends. The sandbox bounds them to <see cref="Contracts.Limits.LogBytes"/>.</summary>
internal sealed class ExecutionLog : IExecutionLog
{
    private readonly InvocationMessage message;
    private readonly TimeProvider time;
    private List<LogLine>? lines;

    /// <summary>Begins with what was printed while the sandbox was started, if it was started for this attempt.</summary>
    public ExecutionLog(InvocationMessage message, TimeProvider time, StartLog? start = null)
    {
        this.message = message;
        this.time = time;
        foreach (var line in start?.Lines ?? [])
        {
            Add(line.Time, line.Stream, line.Text);
        }
    }

    /// <summary>What was printed, in order.</summary>
    public IReadOnlyList<LogLine> Lines => lines ?? (IReadOnlyList<LogLine>)[];

    /// <inheritdoc/>
    public void Write(string stream, ReadOnlySpan<byte> line) => Add(time.GetUtcNow(), stream, Encoding.UTF8.GetString(line));

    private void Add(DateTimeOffset at, string stream, string text)
    {
        lines ??= [];
        lines.Add(new LogLine
        {
            InvocationId = message.InvocationId,
            Attempt = message.Attempt,
            AccountId = message.AccountId,
            Sequence = lines.Count,
            Time = at,
            Stream = stream,
            Text = text,
        });
    }
}

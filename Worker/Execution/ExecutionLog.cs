using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>Collects the lines of one attempt until it ends. The sandbox bounds them to <see cref="Contracts.Limits.LogBytes"/>.</summary>
internal sealed class ExecutionLog(InvocationMessage message, TimeProvider time) : IExecutionLog
{
    private List<LogLine>? lines;

    /// <summary>What was printed, in order.</summary>
    public IReadOnlyList<LogLine> Lines => lines ?? (IReadOnlyList<LogLine>)[];

    /// <inheritdoc/>
    public void Write(string stream, ReadOnlySpan<byte> line)
    {
        lines ??= [];
        lines.Add(new LogLine
        {
            InvocationId = message.InvocationId,
            Attempt = message.Attempt,
            AccountId = message.AccountId,
            Sequence = lines.Count,
            Time = time.GetUtcNow(),
            Stream = stream,
            Text = Encoding.UTF8.GetString(line),
        });
    }
}

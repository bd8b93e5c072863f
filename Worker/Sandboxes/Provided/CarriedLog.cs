namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Keeps what a program printed after its answer, for the log of the next invocation.</summary>
internal sealed class CarriedLog : IExecutionLog
{
    private readonly List<(string Stream, byte[] Line)> lines = [];

    /// <inheritdoc/>
    public void Write(string stream, ReadOnlySpan<byte> line) => lines.Add((stream, line.ToArray()));

    /// <summary>Hands the lines on, once.</summary>
    public void MoveTo(IExecutionLog log)
    {
        foreach (var (stream, line) in lines)
        {
            log.Write(stream, line);
        }

        lines.Clear();
    }
}

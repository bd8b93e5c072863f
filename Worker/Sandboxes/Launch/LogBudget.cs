using FaasCluster.Contracts;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>Passes the lines of one invocation on until so many bytes are used up, then one marker and no more.</summary>
internal sealed class LogBudget(IExecutionLog log, int bytes = Limits.LogBytes)
{
    private int remaining = bytes;

    /// <summary>True when everything that comes is dropped.</summary>
    public bool IsUsedUp => remaining < 0;

    public void Write(string stream, ReadOnlySpan<byte> line)
    {
        if (remaining < 0)
        {
            return;
        }

        // The end of the line counts too, so that empty lines are not for free.
        remaining -= line.Length + 1;
        if (remaining >= 0)
        {
            log.Write(stream, line);
            return;
        }

        remaining = -1;
        log.Write("platform", "The log of this invocation is longer than 1 MB; the rest is left out."u8);
    }
}

using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>A loaded sandbox of a lane and the memory it holds.</summary>
/// <param name="sandbox">The sandbox.</param>
/// <param name="reservedBytes">What it holds of the worker's budget.</param>
/// <param name="start">What getting it took.</param>
/// <param name="startLog">What the code printed while it was loaded.</param>
internal sealed class Slot(ISandbox sandbox, long reservedBytes, SandboxStart start, StartLog startLog)
{
    private SandboxStart? coldStart = start;
    private StartLog? unread = startLog;

    public ISandbox Sandbox => sandbox;

    public long ReservedBytes => reservedBytes;

    public int Revision => sandbox.Revision.Revision;

    /// <summary>Timestamp of the monotonic clock since which it is idle.</summary>
    public long IdleSince { get; private set; }

    /// <summary>Nobody waits for it: an invocation that comes later finds it warm, and is not billed for the start.</summary>
    public void BecomeIdle(long now)
    {
        IdleSince = now;
        coldStart = null;
    }

    /// <summary>The start belongs to the first invocation that waited for it, and is billed once.</summary>
    public SandboxStart? TakeColdStart() => Interlocked.Exchange(ref coldStart, null);

    /// <summary>What was printed while loading stands in the log of the first invocation.</summary>
    public StartLog? TakeStartLog() => Interlocked.Exchange(ref unread, null);
}

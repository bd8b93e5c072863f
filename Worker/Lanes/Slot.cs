using FaasCluster.Worker.Concurrency;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>A loaded sandbox of a lane and the memory it holds.</summary>
/// <param name="sandbox">The sandbox.</param>
/// <param name="reservedBytes">What it holds of the worker's budget.</param>
/// <param name="start">What getting it took.</param>
/// <param name="startLog">What the code printed while it was loaded.</param>
/// <param name="limiting">The revision whose concurrency limit was applied.</param>
/// <param name="lease">The leased slot, if the function has a limit.</param>
internal sealed class Slot(ISandbox sandbox, long reservedBytes, SandboxStart start, StartLog startLog, int limiting, SlotLease? lease)
{
    private static readonly TimeSpan LeaseLook = TimeSpan.FromMilliseconds(100);

    private SandboxStart? coldStart = start;
    private StartLog? unread = startLog;

    public ISandbox Sandbox => sandbox;

    public long ReservedBytes => reservedBytes;

    public int Revision => sandbox.Revision.Revision;

    /// <summary>Null if the function has no concurrency limit.</summary>
    public SlotLease? Lease => lease;

    /// <summary>Cancelled when a run in it must not go on.</summary>
    public CancellationToken Lost => lease?.Lost ?? CancellationToken.None;

    /// <summary>Whether it may serve another invocation, the newest revision that is known being this one: a later one may have another limit.</summary>
    public bool MayServe(int newest) => sandbox.IsUsable && limiting >= newest && lease is not { IsLost: true };

    /// <summary>Returns when a run may start: a lease that may have lapsed is another worker's until the store has renewed it. False if it is lost.</summary>
    public async ValueTask<bool> WhenItMayRunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        while (lease is { IsCertain: false, IsLost: false })
        {
            await Task.Delay(LeaseLook, time, cancellationToken);
        }

        return lease is not { IsLost: true };
    }

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

namespace FaasCluster.Worker.Lanes;

/// <summary>How many sandboxes a lane keeps loaded even if nobody calls. Guarded by the lane's lock.</summary>
internal sealed class LaneMinimum(TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    // A sandbox that another worker asked for is not started again at once, or the two would take the slot from each other for ever.
    private static readonly TimeSpan YieldPause = TimeSpan.FromSeconds(10);

    private int revision;
    private long since = time.GetTimestamp();
    private TimeSpan rest;
    private TimeSpan pause;

    /// <summary>Sandboxes to keep; 0 for none.</summary>
    public int Count { get; private set; }

    /// <summary>States how many of which revision.</summary>
    public void Set(int count, int ofRevision)
    {
        if (ofRevision != revision)
        {
            rest = pause = TimeSpan.Zero;
        }

        Count = count;
        revision = ofRevision;
    }

    /// <summary>The revision to start one more sandbox for; null if there are enough, or if it went wrong a moment ago.</summary>
    /// <param name="present">Sandboxes that the lane has or starts.</param>
    public int? Missing(int present) => present < Count && time.GetElapsedTime(since) >= rest ? revision : null;

    /// <summary>A start succeeded.</summary>
    public void Started() => rest = pause = TimeSpan.Zero;

    /// <summary>A start for nobody failed: the next one waits, longer each time.</summary>
    public void Failed()
    {
        pause = TimeSpan.FromTicks(Math.Clamp(pause.Ticks * 2, FirstPause.Ticks, LongestPause.Ticks));
        Rest(pause);
    }

    /// <summary>One was given up for another worker.</summary>
    public void Yielded() => Rest(YieldPause);

    private void Rest(TimeSpan length)
    {
        since = time.GetTimestamp();
        rest = length;
    }
}

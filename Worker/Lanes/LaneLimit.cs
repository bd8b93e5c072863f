namespace FaasCluster.Worker.Lanes;

/// <summary>What a function's concurrency limit means for its lane here. Guarded by the lane's lock.</summary>
internal sealed class LaneLimit(Guid functionId, LaneServices services)
{
    // An idle slot elsewhere is handed over long before.
    private static readonly TimeSpan StarvedAfter = TimeSpan.FromSeconds(5);

    private long? starvingSince;

    /// <summary>
    /// True once others have had every slot for seconds while something waited here: the lane leaves the queues, so that they
    /// take what waits. It stays true.
    /// </summary>
    public bool IsStarved { get; private set; }

    /// <summary>False if the limit was reached a moment ago.</summary>
    public bool MayAsk => services.Leases.MayAsk(functionId);

    /// <summary>True if no worker could start one more sandbox.</summary>
    public bool IsReached => services.Leases.AtLimitFor(functionId) is not null;

    /// <summary>Looked at regularly.</summary>
    /// <param name="waits">Whether anything waits in the lane.</param>
    public void Look(bool waits)
    {
        starvingSince = waits && IsReached && services.Leases.CountOf(functionId) == 0 ? starvingSince ?? services.Time.GetTimestamp() : null;
        IsStarved |= starvingSince is { } since && services.Time.GetElapsedTime(since) >= StarvedAfter;
    }

    /// <summary>True for a call that has waited before it came here, or that comes when the lane has given up.</summary>
    /// <param name="arrived">What was delivered.</param>
    /// <param name="isStarting">Whether a sandbox is being started.</param>
    public bool Refuses(WaitingDelivery arrived, bool isStarting) => arrived.IsSynchronous
        && (IsStarved || (arrived.Delivery.IsCold && !isStarting && services.Leases.AtLimitFor(functionId) >= services.Options.ThrottleAfter));
}

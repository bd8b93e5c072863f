namespace FaasCluster.Worker.Concurrency;

/// <summary>The right to have one sandbox of a function with a concurrency limit; held from before its start until it is gone.</summary>
internal sealed class SlotLease(FunctionSlots owner)
{
    private readonly CancellationTokenSource lost = new();
    private int released;

    /// <summary>Cancelled when the lease is lost: a run that goes on then would be one more than the limit allows.</summary>
    public CancellationToken Lost => lost.Token;

    /// <summary>True if the lease lapsed, or is about to without the store having renewed it. It never becomes valid again.</summary>
    public bool IsLost => lost.IsCancellationRequested;

    /// <summary>
    /// True if the lease was renewed so lately that it cannot have lapsed, by this worker's monotonic clock. No run starts
    /// otherwise.
    /// </summary>
    public bool IsCertain => !IsLost && owner.IsCertain;

    /// <summary>Kills what runs on it. Not under a lock: the kill runs on this thread.</summary>
    public void Lose() => lost.Cancel();

    /// <summary>Gives the slot back. A second call does nothing.</summary>
    public Task ReleaseAsync() => Interlocked.Exchange(ref released, 1) == 0 ? owner.ReleaseAsync(this) : Task.CompletedTask;
}

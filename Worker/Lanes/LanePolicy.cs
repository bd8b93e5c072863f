namespace FaasCluster.Worker.Lanes;

/// <summary>
/// How many sandboxes and how many unsettled deliveries a function deserves on this worker, from what its runs were like.
/// </summary>
internal sealed class LanePolicy(int cores, int slotLimit)
{
    // Work worth this long is fetched ahead per slot: enough to hide a commit, little enough not to hoard.
    private static readonly TimeSpan PrefetchedWork = TimeSpan.FromMilliseconds(40);

    private const int MostPerSlot = 64;
    private const double Weight = 0.1;

    private double runMilliseconds = double.NaN;
    private double cpuShare = 1;

    /// <summary>Takes one run into account.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cpu">CPU used during it, where known.</param>
    public void Observe(TimeSpan run, TimeSpan? cpu)
    {
        var milliseconds = Math.Max(run.TotalMilliseconds, 0.01);
        runMilliseconds = double.IsNaN(runMilliseconds) ? milliseconds : Mix(runMilliseconds, milliseconds);
        if (cpu is { } used)
        {
            cpuShare = Mix(cpuShare, Math.Clamp(used.TotalMilliseconds / milliseconds, 0, cores));
        }
    }

    /// <summary>
    /// Most sandboxes: twice the cores for functions that compute, more for those that wait, because a sandbox that waits
    /// leaves its core to others.
    /// </summary>
    public int SlotLimit => (int)Math.Clamp(Math.Ceiling(cores * 2 / Math.Max(cpuShare, 0.02)), 1, slotLimit);

    /// <summary>Deliveries that may be unsettled: a power of two, so that it changes rarely (a change is a new subscription).</summary>
    /// <param name="slots">Sandboxes that the lane holds or starts.</param>
    public int Prefetch(int slots)
    {
        var perSlot = double.IsNaN(runMilliseconds)
            ? 1
            : (int)Math.Clamp(PrefetchedWork.TotalMilliseconds / runMilliseconds, 1, MostPerSlot);
        return (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(Math.Max(slots, 1) * perSlot));
    }

    /// <summary>
    /// Asynchronous deliveries that may be unsettled. One more than there are slots, while there may be more slots: what waits is
    /// what makes the lane grow. A call that waits goes elsewhere after a moment, an event does not.
    /// </summary>
    /// <param name="slots">Sandboxes that the lane holds or starts.</param>
    public int EventPrefetch(int slots) => Math.Max(Prefetch(slots), slots < SlotLimit ? slots + 1 : slots);

    private static double Mix(double old, double now) => old + (Weight * (now - old));
}

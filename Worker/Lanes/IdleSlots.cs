namespace FaasCluster.Worker.Lanes;

/// <summary>The idle sandboxes of a lane. The most recently used is taken first, so that the others can grow old. Not thread-safe.</summary>
internal sealed class IdleSlots
{
    private readonly List<Slot> slots = []; // the least recently used first

    public int Count => slots.Count;

    /// <summary>The least recently used sandbox's timestamp; null without one.</summary>
    public long? OldestSince => slots.Count > 0 ? slots[0].IdleSince : null;

    public void Add(Slot slot, long now)
    {
        slot.BecomeIdle(now);
        slots.Add(slot);
    }

    /// <summary>A usable sandbox of the revision.</summary>
    public Slot? Take(int revision)
    {
        var index = slots.FindLastIndex(slot => slot.Revision == revision && slot.Sandbox.IsUsable);
        return index < 0 ? null : TakeAt(index);
    }

    /// <summary>Every one that has been idle since before the given timestamp, except that so many of the most recently used stay.</summary>
    public List<Slot> TakeAged(long idleSince, int keep)
    {
        var aged = slots.Take(Math.Max(slots.Count - keep, 0)).TakeWhile(slot => slot.IdleSince <= idleSince).Count();
        var taken = slots.GetRange(0, aged);
        slots.RemoveRange(0, aged);
        return taken;
    }

    /// <summary>The least recently used.</summary>
    public Slot? TakeOldest() => slots.Count > 0 ? TakeAt(0) : null;

    /// <summary>Every one that is to be ended.</summary>
    public List<Slot> TakeWhere(Predicate<Slot> wanted)
    {
        var taken = slots.FindAll(wanted);
        slots.RemoveAll(wanted);
        return taken;
    }

    private Slot TakeAt(int index)
    {
        var slot = slots[index];
        slots.RemoveAt(index);
        return slot;
    }
}

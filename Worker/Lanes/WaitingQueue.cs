namespace FaasCluster.Worker.Lanes;

/// <summary>What waits in a lane: synchronous calls first, because somebody waits for them. Not thread-safe.</summary>
internal sealed class WaitingQueue
{
    private readonly LinkedList<WaitingDelivery> synchronous = new();
    private readonly LinkedList<WaitingDelivery> asynchronous = new();

    public int Count => synchronous.Count + asynchronous.Count;

    public WaitingDelivery? Oldest => (synchronous.First?.Value, asynchronous.First?.Value) switch
    {
        ({ } sync, { } async) => sync.ArrivedAt <= async.ArrivedAt ? sync : async,
        (var sync, var async) => sync ?? async,
    };

    public void Add(WaitingDelivery waiting) => Of(waiting).AddLast(waiting);

    /// <summary>The revision that the first delivery asks for whose sandbox is not being started yet; null without one.</summary>
    /// <param name="underWay">Revisions for which sandboxes are being started, one entry each.</param>
    public int? RevisionToStart(IEnumerable<int> underWay)
    {
        var rest = underWay.ToList();
        foreach (var waiting in synchronous.Concat(asynchronous))
        {
            if (!rest.Remove(waiting.Message.Revision))
            {
                return waiting.Message.Revision;
            }
        }

        return null;
    }

    /// <summary>The first that asks for the given revision.</summary>
    public WaitingDelivery? Take(int revision) =>
        TakeFirst(synchronous, waiting => waiting.Message.Revision == revision)
        ?? TakeFirst(asynchronous, waiting => waiting.Message.Revision == revision);

    /// <summary>Takes out every synchronous call that arrived before the given timestamp.</summary>
    /// <param name="arrivedBefore">The timestamp.</param>
    /// <param name="keep">So many of the first stay: sandboxes are being started for them.</param>
    public List<WaitingDelivery> TakeOverdueCalls(long arrivedBefore, int keep = 0)
    {
        var overdue = new List<WaitingDelivery>();
        for (var node = synchronous.First; node is not null && node.Value.ArrivedAt < arrivedBefore;)
        {
            var next = node.Next;
            if (keep-- <= 0)
            {
                synchronous.Remove(node);
                overdue.Add(node.Value);
            }

            node = next;
        }

        return overdue;
    }

    /// <summary>Takes out everything.</summary>
    public List<WaitingDelivery> TakeAll()
    {
        List<WaitingDelivery> all = [.. synchronous, .. asynchronous];
        synchronous.Clear();
        asynchronous.Clear();
        return all;
    }

    private LinkedList<WaitingDelivery> Of(WaitingDelivery waiting) => waiting.IsSynchronous ? synchronous : asynchronous;

    private static WaitingDelivery? TakeFirst(LinkedList<WaitingDelivery> list, Predicate<WaitingDelivery> wanted)
    {
        for (var node = list.First; node is not null; node = node.Next)
        {
            if (wanted(node.Value))
            {
                list.Remove(node);
                return node.Value;
            }
        }

        return null;
    }
}

namespace FaasCluster.Messaging.InProcess;

/// <summary>The queues of one function. Guarded by the broker's lock.</summary>
internal sealed class FunctionQueues
{
    /// <summary>True while asynchronous invocations are accepted.</summary>
    public bool IsDeclared { get; set; }

    /// <summary>Calls for warm sandboxes.</summary>
    public LinkedList<Entry> Warm { get; } = new();

    /// <summary>Asynchronous invocations that are ready.</summary>
    public LinkedList<Entry> Events { get; } = new();

    /// <summary>Asynchronous invocations that are ready, delivered or being written.</summary>
    public int EventCount { get; set; }

    /// <summary>Asynchronous invocations that are delivered and not settled.</summary>
    public int UnsettledEvents { get; set; }

    public List<InProcessSubscription> Lanes { get; } = [];

    public bool IsIdle => !IsDeclared && EventCount == 0 && Warm.Count == 0 && Lanes.Count == 0;
}

using FaasCluster.Messaging;

namespace FaasCluster.Gateway.Conservation;

/// <summary>
/// Finds rows without a message. Counts of moving things, taken one after the other, never agree to the one: what a worker took since its
/// last heartbeat is in neither. So only what was missing in several counts in a row is missing.
/// </summary>
internal sealed class MissingRows
{
    /// <summary>So many counts in a row must agree that rows are missing.</summary>
    public const int Counts = 3;

    private readonly Queue<Dictionary<Guid, long>> recent = new();

    /// <summary>Adds a count.</summary>
    /// <param name="due">Rows by function that must have a message.</param>
    /// <param name="depths">Messages in the queues.</param>
    /// <param name="held">Messages in the hands of workers and recorders.</param>
    /// <returns>How many rows are missing.</returns>
    public long Add(IEnumerable<KeyValuePair<Guid, long>> due, QueueDepths depths, IReadOnlyDictionary<Guid, long> held)
    {
        recent.Enqueue(due.ToDictionary(pair => pair.Key, pair => pair.Value - depths.Ready.GetValueOrDefault(pair.Key) - held.GetValueOrDefault(pair.Key)));
        if (recent.Count > Counts)
        {
            recent.Dequeue();
        }

        if (recent.Count < Counts)
        {
            return 0;
        }

        var always = recent.Last().Keys.Sum(id => Math.Max(0, recent.Min(count => count.GetValueOrDefault(id))));
        return Math.Max(0, always - depths.Dead);
    }
}

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>Numbers of sandboxes. One that was given back is used again last, so that what lingers of its user has time to go.</summary>
internal sealed class SandboxSlots(int count)
{
    private readonly Lock gate = new();
    private readonly Queue<int> free = new(Enumerable.Range(0, count));

    /// <summary>How many are taken.</summary>
    public int Taken
    {
        get
        {
            lock (gate)
            {
                return count - free.Count;
            }
        }
    }

    /// <summary>Takes one.</summary>
    /// <exception cref="IOException">All are taken.</exception>
    public int Take()
    {
        lock (gate)
        {
            return free.TryDequeue(out var slot)
                ? slot
                : throw new IOException($"All {count} sandboxes of this worker are in use; raise Sandbox:MaximumSandboxes or add workers.");
        }
    }

    /// <summary>Gives one back.</summary>
    public void Return(int slot)
    {
        lock (gate)
        {
            free.Enqueue(slot);
        }
    }
}

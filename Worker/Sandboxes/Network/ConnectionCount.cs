namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>How many connections there are, and that there are not too many.</summary>
/// <param name="most">The limit.</param>
/// <param name="setting">The setting that raises it, for messages.</param>
internal sealed class ConnectionCount(int most, string setting)
{
    private int count;

    /// <summary>Why there cannot be another one.</summary>
    public Refusal Refusal => Refusal.TooMany(most, setting);

    /// <summary>Now.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Counts one more, if there may be one.</summary>
    public bool TryAdd()
    {
        if (Interlocked.Increment(ref count) <= most)
        {
            return true;
        }

        Interlocked.Decrement(ref count);
        return false;
    }

    /// <summary>Counts one less.</summary>
    public void Remove() => Interlocked.Decrement(ref count);
}

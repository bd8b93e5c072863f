namespace FaasCluster.Worker.Lanes;

/// <summary>Memory promised to sandboxes. A sandbox holds its function's whole limit from before its start until it is gone.</summary>
internal sealed class MemoryBudget(long totalBytes)
{
    private long reserved;

    /// <summary>All that may be promised.</summary>
    public long TotalBytes => totalBytes;

    /// <summary>What is promised.</summary>
    public long ReservedBytes => Interlocked.Read(ref reserved);

    /// <summary>What is left.</summary>
    public long FreeBytes => totalBytes - ReservedBytes;

    /// <summary>Promises memory; false if there is not enough.</summary>
    public bool TryReserve(long bytes)
    {
        var seen = Interlocked.Read(ref reserved);
        while (seen + bytes <= totalBytes)
        {
            var before = Interlocked.CompareExchange(ref reserved, seen + bytes, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Takes a promise back.</summary>
    public void Release(long bytes) => Interlocked.Add(ref reserved, -bytes);
}

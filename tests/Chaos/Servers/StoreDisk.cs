namespace FaasCluster.Chaos.Servers;

/// <summary>A file system of the store's own, mounted by <c>tests/Chaos/run</c>, that can be filled to its last block.</summary>
internal sealed class StoreDisk(string mount)
{
    private readonly string filler = Path.Combine(mount, "filler");

    /// <summary>The disk of this run; null if there is none (mounting needs root and a loop device).</summary>
    public static StoreDisk? Find() => Environment.GetEnvironmentVariable("FAAS_CHAOS_DISK") is { Length: > 0 } mount ? new StoreDisk(mount) : null;

    public string Directory => Path.Combine(mount, "postgres");

    /// <summary>Takes all space that is left. The store frees and takes blocks meanwhile: called again, it takes what has become free.</summary>
    public void Fill()
    {
        for (var chunk = 1L << 32; chunk >= 4096;)
        {
            var free = new DriveInfo(mount).AvailableFreeSpace;
            if (free == 0)
            {
                return;
            }

            var part = $"{filler}-{Guid.NewGuid():n}";
            try
            {
                using var file = new FileStream(part, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, PreallocationSize = Math.Min(chunk, free) });
            }
            catch (IOException)
            {
                // The file system needs some blocks for itself.
                File.Delete(part);
                chunk /= 2;
            }
        }
    }

    /// <summary>Makes space again.</summary>
    public void Free()
    {
        foreach (var part in System.IO.Directory.EnumerateFiles(mount, "filler-*"))
        {
            File.Delete(part);
        }
    }
}

using System.Collections.Concurrent;
using System.Security.Cryptography;
using FaasCluster.Storage.Packages;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Packages;

/// <summary>
/// Packages of this worker, unpacked once each. Bytes are compared with their hash before they are unpacked, and the tree cannot
/// be changed afterwards by what runs from it: it belongs to the worker's user, sandboxes run as others (or, where the worker is
/// an ordinary user, see it through a read-only mount alone), and the directory dies with the worker. So the hash of the
/// archive stands for the tree on every load of this process's life, and is computed anew in the next.
/// </summary>
internal sealed class PackageCache(IPackageStore store, string directory, long maximumBytes, Defences defences, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Entry> entries = [];
    private readonly TaskCompletionSource allRemoved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long clock;
    private int removing;
    private bool stopping;

    /// <summary>Gets a package for use.</summary>
    /// <exception cref="PackageException">It is not in the store, does not match its hash, or cannot be unpacked.</exception>
    /// <exception cref="IOException">The worker is stopping.</exception>
    public async Task<PackageLease> GetAsync(string sha256, CancellationToken cancellationToken)
    {
        Entry entry;
        lock (gate)
        {
            if (stopping)
            {
                throw new IOException("The worker is stopping.");
            }

            if (!entries.TryGetValue(sha256, out entry!) || entry.Load.IsFaulted || entry.Load.IsCanceled)
            {
                // Others may wait for the same package: it is loaded whether this caller stays or not.
                entry = entries[sha256] = new Entry(Task.Run(() => LoadAsync(sha256), CancellationToken.None));
            }

            entry.Users++;
            entry.LastUse = ++clock;
        }

        try
        {
            var unpacked = await entry.Load.WaitAsync(cancellationToken);
            return new PackageLease(unpacked.Directory, unpacked.Files, unpacked.Findings, () => Release(entry));
        }
        catch
        {
            Release(entry);
            throw;
        }
    }

    /// <summary>Unpacks nothing more, and waits for what is being unpacked or removed: it would meet whoever removes the whole directory.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Task> loads;
        lock (gate)
        {
            stopping = true;
            loads = [.. entries.Values.Select(entry => entry.Load)];
            entries.Clear();
            CheckAllRemoved();
        }

        await Task.WhenAll(loads).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await allRemoved.Task;
    }

    private async Task<Unpacked> LoadAsync(string sha256)
    {
        var bytes = await store.FindAsync(sha256, CancellationToken.None) ?? throw new PackageException($"The package {sha256} is not in the store any more.");
        var actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (actual != sha256)
        {
            throw new PackageException($"The stored package {sha256} has the hash {actual}: it was damaged or changed in the store. Deploy the function again.");
        }

        var target = Path.Combine(directory, sha256);
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }

        var errors = defences.Unpack(bytes, target);
        if (errors.Count > 0)
        {
            throw new PackageException($"The stored package {sha256} cannot be unpacked: {errors[0].Message}");
        }

        var root = new DirectoryInfo(target);
        var all = root.GetFileSystemInfos("*", SearchOption.AllDirectories);
        foreach (var program in all.OfType<FileInfo>().Where(file => file.UnixFileMode.HasFlag(UnixFileMode.OtherExecute)))
        {
            await OpenWriters.WhenGoneAsync(program.FullName, time, CancellationToken.None);
        }

        var names = all
            .Select(entry => Path.GetRelativePath(target, entry.FullName) + (entry is DirectoryInfo ? "/" : ""))
            .Order(StringComparer.Ordinal)
            .ToList();
        return new Unpacked(target, names, all.OfType<FileInfo>().Sum(file => file.Length + 4096));
    }

    private void Release(Entry entry)
    {
        List<string> unwanted = [];
        lock (gate)
        {
            entry.Users--;
            var total = entries.Values.Where(other => other.Load.IsCompletedSuccessfully).Sum(other => other.Load.Result.Bytes);
            foreach (var (sha256, idle) in entries.Where(pair => pair.Value is { Users: 0, Load.IsCompletedSuccessfully: true }).OrderBy(pair => pair.Value.LastUse).ToList())
            {
                if (total <= maximumBytes)
                {
                    break;
                }

                entries.Remove(sha256);
                total -= idle.Load.Result.Bytes;

                // Renamed under the lock: from here on the name is free to be unpacked to again.
                var doomed = $"{idle.Load.Result.Directory}.{++clock}";
                Directory.Move(idle.Load.Result.Directory, doomed);
                unwanted.Add(doomed);
            }

            removing++;
        }

        try
        {
            unwanted.ForEach(Remove);
        }
        finally
        {
            lock (gate)
            {
                removing--;
                CheckAllRemoved();
            }
        }
    }

    private void Remove(string doomed)
    {
        try
        {
            Directory.Delete(doomed, recursive: true);
        }
        catch (IOException exception)
        {
            SandboxLog.PackageNotRemoved(logger, exception, doomed);
        }
    }

    // Under the lock.
    private void CheckAllRemoved()
    {
        if (stopping && removing == 0)
        {
            allRemoved.TrySetResult();
        }
    }

    private sealed record Unpacked(string Directory, IReadOnlyList<string> Files, long Bytes)
    {
        public ConcurrentDictionary<string, object?> Findings { get; } = [];
    }

    private sealed class Entry(Task<Unpacked> load)
    {
        public Task<Unpacked> Load => load;

        public int Users { get; set; }

        public long LastUse { get; set; }
    }
}

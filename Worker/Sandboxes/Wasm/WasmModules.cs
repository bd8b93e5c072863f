using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Packages;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// Modules of this worker, each loaded once however many sandboxes use it: from memory, from disk, or compiled. Some that nobody uses
/// are kept, those used last, up to a size.
/// </summary>
internal sealed class WasmModules(WasmEngine engine, WasmCompiler compiler, CodeCache cache) : IAsyncDisposable
{
    private const long MostIdleBytes = 256L << 20;
    private const int MostIdle = 1000;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Package, string Handler), Entry> entries = [];
    private readonly HashSet<Task> loading = [];
    private readonly CancellationTokenSource stop = new();
    private long clock;

    /// <summary>Modules that were compiled, not found on disk.</summary>
    public int Compiled { get; private set; }

    /// <summary>Gets a module for use.</summary>
    public async Task<ModuleStart> GetAsync(FunctionRevision revision, PackageLease package, CancellationToken cancellationToken)
    {
        var key = (revision.PackageSha256, revision.Manifest.Handler);
        Entry entry;
        lock (gate)
        {
            if (!entries.TryGetValue(key, out entry!) || entry.Load.IsFaulted || entry.Load.IsCanceled || entry.Load is { IsCompletedSuccessfully: true, Result.MayChange: true })
            {
                // Others may wait for the same module: it is loaded whether this caller stays or not.
                entry = entries[key] = new Entry(Task.Run(() => LoadAsync(revision, package, stop.Token), stop.Token));
                loading.RemoveWhere(task => task.IsCompleted);
                loading.Add(entry.Load);
            }

            entry.Users++;
            entry.LastUse = ++clock;
        }

        try
        {
            var loaded = await entry.Load.WaitAsync(cancellationToken);
            if (loaded.Module is not null)
            {
                // What loading cost is the first's to pay.
                return new ModuleStart(loaded.Module, () => Release(entry), Interlocked.Exchange(ref entry.Cost, null) is null ? null : loaded.Compilation);
            }

            Release(entry);
            return new ModuleStart(null, () => { }, loaded.Compilation);
        }
        catch
        {
            Release(entry);
            throw;
        }
    }

    /// <summary>Deletes all: nothing may run any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        Task[] loads;
        lock (gate)
        {
            loads = [.. loading];
        }

        await Task.WhenAll(loads).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (gate)
        {
            foreach (var entry in entries.Values)
            {
                entry.Module?.Dispose();
            }

            entries.Clear();
        }
    }

    private async Task<Loaded> LoadAsync(FunctionRevision revision, PackageLease package, CancellationToken cancellationToken)
    {
        var (sha256, handler) = (revision.PackageSha256, revision.Manifest.Handler);
        if (cache.Find(sha256, handler) is { } kept)
        {
            try
            {
                return new Loaded(engine.Load(kept), null);
            }
            catch (WasmException)
            {
                // Of another host or version: compiled anew.
            }
        }

        var compilation = await compiler.CompileAsync(revision.Manifest, package, cancellationToken);
        if (compilation.Code is not { } code)
        {
            return new Loaded(null, compilation);
        }

        lock (gate)
        {
            Compiled++;
        }

        try
        {
            var module = engine.Load(code.Span);
            cache.Put(sha256, handler, code.Span);
            return new Loaded(module, compilation with { Code = null });
        }
        catch (WasmException exception)
        {
            return new Loaded(null, compilation with { Code = null, Error = Failures.Of(ErrorCode.InitError, $"'{handler}' cannot be run: {exception.Message}") });
        }
    }

    private void Release(Entry entry)
    {
        lock (gate)
        {
            entry.Users--;
            var idle = entries.Where(pair => pair.Value is { Users: 0, Load.IsCompleted: true }).OrderByDescending(pair => pair.Value.LastUse).ToList();
            var (bytes, count) = (0L, 0);
            foreach (var (key, candidate) in idle)
            {
                bytes += candidate.Module?.Bytes ?? 0;
                if (++count > MostIdle || bytes > MostIdleBytes)
                {
                    candidate.Module?.Dispose();
                    entries.Remove(key);
                }
            }

            // Replaced while it was in use.
            if (entry.Users == 0 && !entries.ContainsValue(entry))
            {
                entry.Module?.Dispose();
            }
        }
    }

    /// <param name="Module">The module; null if there is an error.</param>
    /// <param name="Compilation">What compiling took; null if it was not needed.</param>
    private sealed record Loaded(WasmModule? Module, Compilation? Compilation)
    {
        /// <summary>Whether another try may end otherwise: what is wrong with a module stays wrong, time and memory may be had another day.</summary>
        public bool MayChange => Module is null && Compilation?.Error?.Code != ErrorCode.InitError;
    }

    private sealed class Entry(Task<Loaded> load)
    {
        public object? Cost = new();

        public Task<Loaded> Load => load;

        public WasmModule? Module => load.IsCompletedSuccessfully ? load.Result.Module : null;

        public int Users { get; set; }

        public long LastUse { get; set; }
    }
}

/// <summary>A module in use.</summary>
/// <param name="Module">The module; null if there is an error.</param>
/// <param name="Release">To be called once when it is not used any more.</param>
/// <param name="Compilation">What compiling took or failed at; null if it was not needed, or is somebody else's.</param>
internal sealed record ModuleStart(WasmModule? Module, Action Release, Compilation? Compilation);

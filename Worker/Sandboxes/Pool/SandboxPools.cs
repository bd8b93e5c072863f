using System.Collections.Concurrent;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Pool;

/// <summary>The pools of one worker: one per kind of generic sandbox, made when first asked for.</summary>
internal sealed class SandboxPools : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);
    private static readonly long DefaultMemoryBytes = new FunctionManifest { Name = "", Runtime = "", Handler = "" }.MemoryBytes;

    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<RuntimeCommand, SandboxPool> pools = new();
    private readonly SandboxBooter booter;
    private readonly SandboxOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ITimer timer;
    private bool stopping;

    public SandboxPools(SandboxBooter booter, SandboxOptions options, TimeProvider time, ILogger logger)
    {
        this.booter = booter;
        this.options = options;
        this.time = time;
        this.logger = logger;
        timer = time.CreateTimer(_ => Tend(), null, LookInterval, LookInterval);
    }

    /// <summary>Booted and waiting to be taken, of all kinds.</summary>
    public int Ready => pools.Values.Sum(pool => pool.Ready);

    /// <summary>Takes a booted sandbox, or waits for one to boot.</summary>
    /// <exception cref="BootException">It did not come up.</exception>
    public Task<SandboxProcess> TakeAsync(RuntimeCommand command, CancellationToken cancellationToken) => Get(command).TakeAsync(cancellationToken);

    /// <summary>Boots the first sandbox of each runtime that has one ahead of its first call; returns the runtimes for which that failed.</summary>
    public async Task<IReadOnlyList<string>> FillAsync(IEnumerable<string> runtimes)
    {
        var failed = new ConcurrentBag<string>();
        await Task.WhenAll(runtimes.Where(runtime => RuntimeCommand.IsBootedAhead(runtime) && options.PoolMaximum > 0).Select(async runtime =>
        {
            if (!await Get(RuntimeCommand.For(runtime, DefaultMemoryBytes)).FillFirstAsync())
            {
                failed.Add(runtime);
            }
        }));
        return [.. failed];
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            stopping = true;
        }

        await timer.DisposeAsync();
        foreach (var pool in pools.Values)
        {
            await pool.DisposeAsync();
        }
    }

    private SandboxPool Get(RuntimeCommand command)
    {
        lock (gate)
        {
            return stopping ? throw BootException.Stopping() : pools.GetOrAdd(command, key => new SandboxPool(key, booter, options, time, logger));
        }
    }

    private void Tend()
    {
        foreach (var pool in pools.Values)
        {
            _ = pool.TendAsync();
        }
    }
}

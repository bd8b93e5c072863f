using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Functions;

/// <summary>
/// The current revisions of functions that are called, so that a call costs no query. Dropped when a change is heard of;
/// the time limit is for messages that got lost. While the store is away, what was known still holds.
/// </summary>
internal sealed class FunctionCache(IFunctionStore store, IOptions<GatewayOptions> options, TimeProvider time) : IControlBusHandler<FunctionChanged>
{
    private const int Capacity = 50_000;
    private static readonly TimeSpan UnknownTime = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<(string AccountId, string Name), Entry> entries = new();
    private long generation;

    /// <summary>The current revision; null if there is no such function in the account.</summary>
    /// <exception cref="StoreUnavailableException">The store is away and the function was not called lately.</exception>
    public ValueTask<FunctionRevision?> FindAsync(string accountId, string name, CancellationToken cancellationToken)
    {
        if (entries.TryGetValue((accountId, name), out var entry))
        {
            var age = time.GetElapsedTime(entry.LoadedAt);
            var lifetime = entry.Revision is null ? UnknownTime : options.Value.FunctionCacheTime;

            // Of many calls at the end of its time one asks the store; the others go on with what is there.
            if (age < lifetime || (age < lifetime * 2 && !entry.TryClaimRefresh()))
            {
                return ValueTask.FromResult(entry.Revision);
            }
        }

        return LoadAsync(accountId, name, entry, cancellationToken);
    }

    /// <summary>Forgets a function, so that the next call asks the store.</summary>
    public void Forget(string accountId, string name)
    {
        Interlocked.Increment(ref generation);
        entries.TryRemove((accountId, name), out _);
    }

    public Task HandleAsync(FunctionChanged message, CancellationToken cancellationToken)
    {
        Forget(message.AccountId, message.Name);
        return Task.CompletedTask;
    }

    private async ValueTask<FunctionRevision?> LoadAsync(string accountId, string name, Entry? known, CancellationToken cancellationToken)
    {
        var before = Interlocked.Read(ref generation);
        FunctionRevision? revision;
        try
        {
            revision = await store.FindAsync(accountId, name, cancellationToken);
        }
        catch (StoreUnavailableException) when (known?.Revision is not null)
        {
            return known.Revision;
        }

        if (entries.Count >= Capacity)
        {
            entries.Clear();
        }

        // What was read before a change must not be kept after it.
        if (Interlocked.Read(ref generation) == before)
        {
            entries[(accountId, name)] = new Entry(revision, time.GetTimestamp());
        }

        return revision;
    }

    private sealed class Entry(FunctionRevision? revision, long loadedAt)
    {
        private int refreshing;

        public FunctionRevision? Revision => revision;

        public long LoadedAt => loadedAt;

        public bool TryClaimRefresh() => Interlocked.Exchange(ref refreshing, 1) == 0;
    }
}

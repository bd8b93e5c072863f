using FaasCluster.Contracts.Functions;
using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>The real stores behind a switch: while it is off they are away.</summary>
internal sealed class StoreSwitch
{
    private int lookups;

    public bool IsAway { get; set; }

    /// <summary>How often a function was looked for by name.</summary>
    public int Lookups => lookups;

    public void CountLookup() => Interlocked.Increment(ref lookups);

    public void Check()
    {
        if (IsAway)
        {
            throw new StoreUnavailableException("The store at db.internal.example:5432 is away.");
        }
    }
}

internal sealed class FlakyFunctionStore(IFunctionStore inner, StoreSwitch store) : IFunctionStore
{
    public Task<FunctionRevision> AddRevisionAsync(string accountId, FunctionManifest manifest, string packageSha256, long packageBytes, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.AddRevisionAsync(accountId, manifest, packageSha256, packageBytes, cancellationToken);
    }

    public Task<FunctionRevision?> FindAsync(string accountId, string name, CancellationToken cancellationToken)
    {
        store.Check();
        store.CountLookup();
        return inner.FindAsync(accountId, name, cancellationToken);
    }

    public Task<FunctionRevision?> FindRevisionAsync(Guid functionId, int revision, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.FindRevisionAsync(functionId, revision, cancellationToken);
    }

    public Task<FunctionRevision?> FindCurrentAsync(Guid functionId, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.FindCurrentAsync(functionId, cancellationToken);
    }

    public Task<IReadOnlyList<FunctionRevision>> ListAsync(string accountId, string? afterName, int limit, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.ListAsync(accountId, afterName, limit, cancellationToken);
    }

    public Task<IReadOnlyList<FunctionRevision>> ListRevisionsAsync(string accountId, string name, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.ListRevisionsAsync(accountId, name, cancellationToken);
    }

    public Task<IReadOnlyList<FunctionRevision>> ListKeptLoadedAsync(CancellationToken cancellationToken)
    {
        store.Check();
        return inner.ListKeptLoadedAsync(cancellationToken);
    }

    public Task<Guid?> DeleteAsync(string accountId, string name, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.DeleteAsync(accountId, name, cancellationToken);
    }

    public Task<IReadOnlyList<Guid>> ListDeletedAsync(DateTimeOffset since, int limit, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.ListDeletedAsync(since, limit, cancellationToken);
    }

    public Task<IReadOnlyList<Guid>> ListIdsAsync(Guid after, int limit, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.ListIdsAsync(after, limit, cancellationToken);
    }

    public Task<IReadOnlyList<Guid>> ListWaitingAsync(DateTimeOffset queuedBefore, int limit, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.ListWaitingAsync(queuedBefore, limit, cancellationToken);
    }
}

internal sealed class FlakyAccountStore(IAccountStore inner, StoreSwitch store) : IAccountStore
{
    public Task EnsureDefaultAsync(CancellationToken cancellationToken)
    {
        store.Check();
        return inner.EnsureDefaultAsync(cancellationToken);
    }

    public Task AddKeyAsync(string accountId, string name, string keySha256, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.AddKeyAsync(accountId, name, keySha256, cancellationToken);
    }

    public Task<string?> FindAccountByKeyAsync(string keySha256, CancellationToken cancellationToken)
    {
        store.Check();
        return inner.FindAccountByKeyAsync(keySha256, cancellationToken);
    }
}

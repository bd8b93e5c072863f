namespace FaasCluster.Storage.Concurrency;

/// <summary>
/// Leases of slots: of a function with a concurrency limit, no more sandboxes exist in the cluster than slots are leased.
/// A worker leases one before it adds a sandbox, not for each invocation. The database's clock decides when a lease lapses.
/// Numbers are always totals, so that a call whose outcome is unknown may be repeated.
/// </summary>
public interface ISlotLeaseStore
{
    /// <summary>
    /// Makes the worker hold <paramref name="slots"/> in all, unless more than <paramref name="limit"/> would be held in the
    /// cluster. If so, it is noted that the worker waits for one.
    /// </summary>
    Task<bool> TryHoldAsync(Guid functionId, string workerId, int slots, int limit, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>States what a worker holds whatever the limit: after slots were given back, or when the sandboxes exist although their lease lapsed.</summary>
    Task HoldAsync(Guid functionId, string workerId, int slots, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Renews everything that the worker holds.</summary>
    /// <returns>What that is: a lease that lapsed and was counted for others since is not in it.</returns>
    Task<IReadOnlyList<HeldSlots>> RenewAsync(string workerId, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>
    /// Gives back everything that the worker holds. On SQLite, whose file has one worker, everything: also what was left by the
    /// process before, whose name was another.
    /// </summary>
    Task ForgetAsync(string workerId, CancellationToken cancellationToken);
}

using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>The real store of leases, which a test can cut the worker off from while others still reach it.</summary>
internal sealed class CuttableLeaseStore(ISlotLeaseStore store) : ISlotLeaseStore
{
    private volatile bool isCut;

    /// <summary>What others see.</summary>
    public ISlotLeaseStore Uncut => store;

    public bool IsCut
    {
        get => isCut;
        set => isCut = value;
    }

    public Task<bool> TryHoldAsync(Guid functionId, string workerId, int slots, int limit, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Reach().TryHoldAsync(functionId, workerId, slots, limit, lifetime, cancellationToken);

    public Task HoldAsync(Guid functionId, string workerId, int slots, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Reach().HoldAsync(functionId, workerId, slots, lifetime, cancellationToken);

    public Task<IReadOnlyList<HeldSlots>> RenewAsync(string workerId, TimeSpan lifetime, CancellationToken cancellationToken) =>
        Reach().RenewAsync(workerId, lifetime, cancellationToken);

    public Task ForgetAsync(string workerId, CancellationToken cancellationToken) => Reach().ForgetAsync(workerId, cancellationToken);

    private ISlotLeaseStore Reach() => isCut ? throw new StoreUnavailableException("The test has cut it off.") : store;
}

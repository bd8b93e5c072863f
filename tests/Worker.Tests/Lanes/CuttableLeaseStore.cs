using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>The real store of leases, which a test can cut the worker off from while others still reach it.</summary>
internal sealed class CuttableLeaseStore(ISlotLeaseStore store) : ISlotLeaseStore
{
    private readonly Lock gate = new();
    private bool isCut;
    private int underWay;
    private int renewals;

    /// <summary>What others see.</summary>
    public ISlotLeaseStore Uncut => store;

    /// <summary>Renewals that the worker has begun and ended.</summary>
    public int Renewals => Volatile.Read(ref renewals);

    /// <summary>Cuts the worker off; what it has asked for already is answered first.</summary>
    public async Task CutAsync()
    {
        lock (gate)
        {
            isCut = true;
        }

        await Wait.UntilAsync(() => Volatile.Read(ref underWay) == 0);
    }

    public void Join()
    {
        lock (gate)
        {
            isCut = false;
        }
    }

    public Task<bool> TryHoldAsync(Guid functionId, string workerId, int slots, int limit, TimeSpan lifetime, CancellationToken cancellationToken) =>
        ReachAsync(() => store.TryHoldAsync(functionId, workerId, slots, limit, lifetime, cancellationToken));

    public Task HoldAsync(Guid functionId, string workerId, int slots, TimeSpan lifetime, CancellationToken cancellationToken) =>
        ReachAsync(async () =>
        {
            await store.HoldAsync(functionId, workerId, slots, lifetime, cancellationToken);
            return true;
        });

    public async Task<IReadOnlyList<HeldSlots>> RenewAsync(string workerId, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var held = await ReachAsync(() => store.RenewAsync(workerId, lifetime, cancellationToken));
        Interlocked.Increment(ref renewals);
        return held;
    }

    public Task ForgetAsync(string workerId, CancellationToken cancellationToken) =>
        ReachAsync(async () =>
        {
            await store.ForgetAsync(workerId, cancellationToken);
            return true;
        });

    private async Task<T> ReachAsync<T>(Func<Task<T>> ask)
    {
        lock (gate)
        {
            if (isCut)
            {
                throw new StoreUnavailableException("The test has cut it off.");
            }

            underWay++;
        }

        try
        {
            return await ask();
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }
}

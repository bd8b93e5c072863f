using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Worker.Concurrency;

/// <summary>
/// The leases that this worker holds of one function. One store operation at a time: each states a total. At the limit the
/// store is asked seldom, however many calls there are.
/// </summary>
internal sealed class FunctionSlots(Guid functionId, string workerId, ISlotLeaseStore store, TimeSpan lifetime, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    // The rest of the lifetime is for clocks that do not run equally fast, and for the kill of what still runs.
    private const double StartsUntil = 0.8;
    private const double RunsUntil = 0.9;

    private readonly SemaphoreSlim storing = new(1);
    private readonly Lock gate = new();
    private readonly HashSet<SlotLease> leases = [];
    private int limit;
    private long renewedAt;
    private long? atLimitSince;
    private long askAgainAt;
    private TimeSpan pause;
    private bool isStated = true;

    public Guid FunctionId => functionId;

    /// <summary>Leases held.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return leases.Count;
            }
        }
    }

    /// <summary>True while the leases cannot have lapsed.</summary>
    public bool IsCertain
    {
        get
        {
            lock (gate)
            {
                return time.GetElapsedTime(renewedAt) < lifetime * StartsUntil;
            }
        }
    }

    /// <summary>False if the limit was reached a moment ago.</summary>
    public bool MayAsk
    {
        get
        {
            lock (gate)
            {
                return atLimitSince is null || time.GetTimestamp() >= askAgainAt;
            }
        }
    }

    /// <summary>For how long there has been no slot to be had; null if one may be had.</summary>
    public TimeSpan? AtLimitFor
    {
        get
        {
            lock (gate)
            {
                // Nobody asked for long: the past says nothing.
                return atLimitSince is { } since && time.GetTimestamp() < askAgainAt + Ticks(LongestPause) ? time.GetElapsedTime(since) : null;
            }
        }
    }

    /// <summary>Leases one more slot; null at the limit.</summary>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    public async Task<SlotLease?> TryTakeAsync(int atMost, CancellationToken cancellationToken)
    {
        await storing.WaitAsync(cancellationToken);
        try
        {
            if (!MayAsk)
            {
                return null;
            }

            limit = atMost;
            var asked = time.GetTimestamp();

            // Until the answer is there, it is not known what the store counts.
            isStated = false;
            var isGranted = await store.TryHoldAsync(functionId, workerId, Count + 1, atMost, lifetime, cancellationToken);
            isStated = true;
            if (!isGranted)
            {
                Refused();
                return null;
            }

            var lease = new SlotLease(this);
            lock (gate)
            {
                leases.Add(lease);
                renewedAt = asked;
                atLimitSince = null;
                pause = TimeSpan.Zero;
            }

            return lease;
        }
        finally
        {
            storing.Release();
        }
    }

    /// <summary>Gives one back. Never throws for the store: what it does not hear now, it hears with the next renewal.</summary>
    public async Task ReleaseAsync(SlotLease lease)
    {
        await storing.WaitAsync(CancellationToken.None);
        try
        {
            lock (gate)
            {
                leases.Remove(lease);
            }

            await StateAsync();
        }
        catch (StoreUnavailableException exception)
        {
            isStated = false;
            SlotLog.ReleaseLater(logger, exception, functionId);
        }
        finally
        {
            storing.Release();
        }
    }

    /// <summary>
    /// Ends what runs on leases that the store has not renewed for so long that they are about to lapse: another worker may
    /// be granted the slots then, and the limit holds at every moment.
    /// </summary>
    public void EndLapsing()
    {
        List<SlotLease> lapsing;
        lock (gate)
        {
            lapsing = time.GetElapsedTime(renewedAt) < lifetime * RunsUntil ? [] : [.. leases.Where(lease => !lease.IsLost)];
        }

        if (lapsing.Count > 0)
        {
            SlotLog.Lapsing(logger, functionId, lapsing.Count);
            lapsing.ForEach(lease => lease.Lose());
        }
    }

    /// <summary>Compares with what the store says after a renewal that was asked for at the given time.</summary>
    /// <param name="asked">Timestamp from before the renewal.</param>
    /// <param name="held">What the store renewed; 0 if nothing.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RenewedAsync(long asked, int held, CancellationToken cancellationToken)
    {
        await storing.WaitAsync(cancellationToken);
        try
        {
            if (held > 0)
            {
                Renew(asked);
            }

            // Slots that were taken or given back since the renewal are stated by that.
            var missing = held == 0 && Count > 0 && !IsYounger(asked);
            if (missing && !await store.TryHoldAsync(functionId, workerId, Count, limit, lifetime, cancellationToken))
            {
                // Others have them. What is left here is counted until it has ended, so that it does not become more yet.
                SlotLog.Lost(logger, functionId, Count);
                Leases().ForEach(lease => lease.Lose());
                isStated = false;
            }
            else if (missing)
            {
                Renew(asked);
            }

            if (!isStated || (Count == 0 && held > 0))
            {
                await StateAsync();
            }
        }
        finally
        {
            storing.Release();
        }
    }

    private List<SlotLease> Leases()
    {
        lock (gate)
        {
            return [.. leases];
        }
    }

    private async Task StateAsync()
    {
        await store.HoldAsync(functionId, workerId, Count, lifetime, CancellationToken.None);
        isStated = true;
    }

    private bool IsYounger(long asked)
    {
        lock (gate)
        {
            return renewedAt >= asked;
        }
    }

    private void Renew(long asked)
    {
        lock (gate)
        {
            renewedAt = Math.Max(renewedAt, asked);
        }
    }

    private void Refused()
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            var fresh = atLimitSince is null || now >= askAgainAt + Ticks(LongestPause);
            atLimitSince = fresh ? now : atLimitSince;
            pause = fresh ? FirstPause : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
            askAgainAt = now + Ticks(pause);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Contracts.Billing;

/// <summary>What one attempt costs.</summary>
public sealed record Bill
{
    /// <summary>
    /// Init and run together, rounded up to the whole millisecond; 0 if the attempt is not billed. Of each, whole microseconds count:
    /// that is what is recorded, so that every bill can be computed again from its record.
    /// </summary>
    public required long BilledMilliseconds { get; init; }

    /// <summary>Billed time multiplied by configured memory, in GB-seconds (1 GB = 2^30 bytes), exact.</summary>
    public required decimal GigabyteSeconds { get; init; }

    /// <summary>In the currency of the price table, rounded half to even at 12 decimal places.</summary>
    public required decimal Cost { get; init; }

    /// <summary>The price table it was computed with.</summary>
    public required string PriceVersion { get; init; }

    /// <summary>
    /// Computes the bill. The customer pays for loading and running code, not for queueing and not for starting the
    /// sandbox; errors of the platform and of the caller are free.
    /// </summary>
    /// <param name="timings">Where the time went.</param>
    /// <param name="error">How the attempt ended; null for success.</param>
    /// <param name="memoryBytes">Configured memory.</param>
    /// <param name="prices">The price table.</param>
    public static Bill For(InvocationTimings timings, ErrorCode? error, long memoryBytes, PriceTable prices)
    {
        if (error is { } code && !code.Describe().Billed)
        {
            return new Bill { BilledMilliseconds = 0, GigabyteSeconds = 0, Cost = 0, PriceVersion = prices.Version };
        }

        var microseconds = Microseconds(timings.Init) + Microseconds(timings.Run);
        var milliseconds = (microseconds + 999) / 1000;
        var gigabyteSeconds = milliseconds / 1000m * (memoryBytes / 1073741824m);
        var cost = decimal.Round((gigabyteSeconds * prices.PerGigabyteSecond) + prices.PerRequest, 12, MidpointRounding.ToEven);
        return new Bill
        {
            BilledMilliseconds = milliseconds,
            GigabyteSeconds = gigabyteSeconds,
            Cost = cost,
            PriceVersion = prices.Version,
        };
    }

    private static long Microseconds(TimeSpan time) => Math.Max(0, time.Ticks / TimeSpan.TicksPerMicrosecond);
}

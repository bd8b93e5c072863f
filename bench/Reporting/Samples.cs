using System.Diagnostics;

namespace FaasCluster.Bench.Reporting;

/// <summary>Times of single calls, in ticks of <see cref="Stopwatch"/>.</summary>
internal sealed class Samples
{
    private readonly List<long> ticks = [];
    private bool sorted;

    public int Count => ticks.Count;

    public void Add(long elapsedTicks)
    {
        ticks.Add(elapsedTicks);
        sorted = false;
    }

    public void AddSince(long timestamp) => Add(Stopwatch.GetTimestamp() - timestamp);

    public void AddMilliseconds(double milliseconds) => Add((long)(milliseconds * Stopwatch.Frequency / 1000));

    public void AddAll(Samples other)
    {
        ticks.AddRange(other.ticks);
        sorted = false;
    }

    /// <summary>The value that the given share of the samples does not exceed (nearest rank), in ms.</summary>
    /// <param name="share">Above 0, at most 1: 0.5 for the median.</param>
    public double Percentile(double share)
    {
        if (ticks.Count == 0)
        {
            throw new BenchFailedException("Nothing was measured.");
        }

        if (!sorted)
        {
            ticks.Sort();
            sorted = true;
        }

        var rank = (int)Math.Ceiling(share * ticks.Count);
        return ticks[Math.Clamp(rank - 1, 0, ticks.Count - 1)] * 1000.0 / Stopwatch.Frequency;
    }
}

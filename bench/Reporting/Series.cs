namespace FaasCluster.Bench.Reporting;

/// <summary>One figure or ratio, measured once per round.</summary>
internal sealed record Series
{
    /// <summary>"ms", "1/s", "ratio", or what else is counted.</summary>
    public required string Unit { get; init; }

    /// <summary>The smallest round.</summary>
    public required double Min { get; init; }

    /// <summary>The middle round; the mean of the two in the middle for an even number.</summary>
    public required double Median { get; init; }

    /// <summary>The largest round.</summary>
    public required double Max { get; init; }

    /// <summary>From the samples of all rounds together, where that is more than the median of the rounds.</summary>
    public double? Overall { get; init; }

    /// <summary>In the order in which they were measured.</summary>
    public required IReadOnlyList<double> Rounds { get; init; }

    public static Series Of(string unit, IReadOnlyList<double> rounds, double? overall = null)
    {
        var sorted = rounds.Order().ToArray();
        return new Series
        {
            Unit = unit,
            Min = sorted[0],
            Median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2,
            Max = sorted[^1],
            Overall = overall,
            Rounds = rounds,
        };
    }
}

using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Http;

/// <summary>What a load did.</summary>
/// <param name="Started">Timestamp of its begin.</param>
/// <param name="Elapsed">From its begin to the last answer.</param>
/// <param name="Calls">Times of the single calls that were answered as expected.</param>
/// <param name="Refused">Calls answered with 429 or 503, where that is allowed.</param>
internal sealed record LoadResult(long Started, TimeSpan Elapsed, Samples Calls, int Refused = 0)
{
    public double PerSecond => Calls.Count / Elapsed.TotalSeconds;
}

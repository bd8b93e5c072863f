using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Records;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Scenarios;

/// <summary>
/// More callers than the platform can serve: what is answered with success per second, against what it answers at its best, and how
/// much memory gateway and worker hold.
/// </summary>
internal sealed class OverloadScenario(Platform platform, RecordCounter records, Report report)
{
    private const string Function = "bench-overload";

    // Where two cores answer most; with more callers only the wait grows.
    private const int Saturating = 32;

    private static readonly (int Callers, string Name)[] Overloads = [(Saturating * 2, "twice"), (Saturating * 16, "sixteenfold")];

    private static readonly TimeSpan Phase = TimeSpan.FromSeconds(8);

    private long answered;

    public async Task RunAsync(int rounds, CancellationToken cancellationToken)
    {
        report.Begin($"overload: successful warm calls per second; {Saturating} callers saturate it, twice and sixteen times as many overload it");
        await platform.DeployAsync("app.py", Functions.CountingPython, Functions.Manifest(Function, "python3", "app.handler"), cancellationToken);
        await CallAsync(Saturating, TimeSpan.FromSeconds(4), cancellationToken);
        for (var round = 0; round < rounds; round++)
        {
            var before = await CallAsync(Saturating, Phase, cancellationToken);
            var overloaded = new List<LoadResult>();
            foreach (var (callers, _) in Overloads)
            {
                overloaded.Add(await CallAsync(callers, Phase, cancellationToken));
            }

            // The machine is shared: its best is measured on both sides of the overload.
            var after = await CallAsync(Saturating, Phase, cancellationToken);
            var peak = Math.Max(before.PerSecond, after.PerSecond);
            report.Figure("overload_peak_rate", "1/s", peak);
            foreach (var (load, (_, name)) in overloaded.Zip(Overloads))
            {
                report.Figure($"overload_{name}_rate", "1/s", load.PerSecond);
                report.Figure($"overload_{name}_p99", "ms", load.Calls.Percentile(0.99));
                report.Figure($"overload_{name}_refused", "calls", load.Refused);
                report.Ratio($"overload_{name}_rate_ratio", load.PerSecond, peak);
            }

            report.Figure("overload_gateway_memory", "MB", platform.Gateway.ResidentMegabytes());
            report.Figure("overload_worker_memory", "MB", platform.Worker.ResidentMegabytes());
        }

        await records.VerifyAsync(Function, answered, cancellationToken);
    }

    private async Task<LoadResult> CallAsync(int callers, TimeSpan time, CancellationToken cancellationToken)
    {
        var load = await HttpLoad.ForAsync(
            platform.Gateway.Url, platform.Call(Function, Functions.Event), 200, callers, time, cancellationToken, mayBeRefused: true);
        answered += load.Calls.Count;
        return load;
    }
}

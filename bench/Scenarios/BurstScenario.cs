using System.Diagnostics;
using System.Text;
using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Machine;
using FaasCluster.Bench.Records;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Scenarios;

/// <summary>
/// Many functions that were never called before are called at the same moment, with the pool of booted sandboxes and without it,
/// against as many bare interpreters started at the same moment. All must be answered.
/// </summary>
internal sealed class BurstScenario(Platform platform, RecordCounter records, Report report)
{
    private const int Callers = 50;

    // Long enough for the pool to be full again, and for what is shared of a round to be gone.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    private int deployed;

    public async Task RunAsync(int rounds, CancellationToken cancellationToken)
    {
        report.Begin($"burst: {Callers} cold Python functions called at once, with the pool");
        await RunAsync("", rounds, cancellationToken);

        report.Begin($"burst: {Callers} cold Python functions called at once, without the pool");
        await platform.RestartWorkerAsync(
            new Dictionary<string, string> { ["Sandbox:PoolMinimum"] = "0", ["Sandbox:PoolMaximum"] = "0" }, cancellationToken);
        await RunAsync("_nopool", rounds, cancellationToken);
        await platform.RestartWorkerAsync(new Dictionary<string, string>(), cancellationToken);
    }

    private async Task RunAsync(string suffix, int rounds, CancellationToken cancellationToken)
    {
        for (var round = -1; round < rounds; round++)
        {
            var (calls, whole) = await BurstAsync(cancellationToken);
            await Task.Delay(Pause, cancellationToken);
            var bare = BareProcess.RunAtOnce(BareProcess.Python, Callers) * 1000.0 / Stopwatch.Frequency;
            if (round < 0)
            {
                // Compiled code on every side.
                continue;
            }

            report.Figure($"burst{suffix}_first", "ms", calls.Percentile(1.0 / Callers));
            report.Figure($"burst{suffix}_p50", "ms", calls.Percentile(0.5));
            report.Figure($"burst{suffix}_all", "ms", whole);
            report.Figure($"burst{suffix}_bare_all", "ms", bare);
            report.Ratio($"burst{suffix}_all_ratio", whole, bare);
        }
    }

    private async Task<(Samples Calls, double Whole)> BurstAsync(CancellationToken cancellationToken)
    {
        var names = new List<string>();
        var connections = new List<HttpConnection>();
        var since = TimeProvider.System.GetUtcNow().AddMinutes(-10);
        try
        {
            for (var i = 0; i < Callers; i++)
            {
                names.Add($"burst-{deployed++}");
                await platform.DeployAsync("app.py", Functions.NothingPython, Functions.Manifest(names[^1], "python3", "app.handler"), cancellationToken);
                connections.Add(await HttpConnection.OpenAsync(platform.Gateway.Url, cancellationToken));
            }

            await Task.Delay(Pause, cancellationToken);
            var calls = new Samples();
            var began = Stopwatch.GetTimestamp();
            foreach (var took in await Task.WhenAll(names.Zip(connections).Select(pair => CallAsync(pair.Second, platform.Call(pair.First, Functions.Event), began, cancellationToken))))
            {
                calls.Add(took);
            }

            foreach (var name in names)
            {
                if (await records.EndedAsync(name, since, cancellationToken) is var recorded and not 1)
                {
                    throw new BenchFailedException($"{name} was called once and has {recorded} records.");
                }

                await platform.DeleteAsync(name, cancellationToken);
            }

            return (calls, calls.Percentile(1));
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    private static async Task<long> CallAsync(HttpConnection connection, byte[] request, long began, CancellationToken cancellationToken)
    {
        var answer = await connection.SendAsync(request, cancellationToken);
        var took = Stopwatch.GetTimestamp() - began;
        return answer.Status == 200 && answer.Header("faas-start") == "cold"
            ? took
            : throw new BenchFailedException(
                $"expected 200 and a cold start, got:\n{Encoding.UTF8.GetString(answer.Head.Span)}{Encoding.UTF8.GetString(answer.Body.Span)}");
    }
}

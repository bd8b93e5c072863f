using FaasCluster.Bench.Broker;
using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Records;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Scenarios;

/// <summary>
/// Warm synchronous calls over HTTP, record and bill committed before the answer, against a raw request and reply over the
/// same broker.
/// </summary>
internal sealed class LatencyScenario(Platform platform, HostProcess baseline, RecordCounter records, BenchServers servers, Report report)
{
    private const string Function = "bench-call";
    private const int Many = 32;

    private static readonly TimeSpan Phase = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Orientation = TimeSpan.FromSeconds(0.5);

    private readonly Dictionary<string, Samples> whole = [];
    private long calls;

    public async Task RunAsync(int rounds, CancellationToken cancellationToken)
    {
        report.Begin("latency: one warm synchronous call, Python no-op, recorded and billed before the answer");
        await platform.DeployAsync("app.py", Functions.CountingPython, Functions.Manifest(Function, "python3", "app.handler"), cancellationToken);
        await using var raw = await RawRequestReply.OpenAsync(servers.RabbitMq, cancellationToken);
        var body = Functions.Event.ToArray();

        // Warm up: sandboxes, and compiled code on every side.
        await CallAsync(Many, TimeSpan.FromSeconds(4), cancellationToken);
        await raw.ForAsync(body, Many, TimeSpan.FromSeconds(1), cancellationToken);
        await BareAsync(Many, TimeSpan.FromSeconds(1), cancellationToken);

        for (var round = 0; round < rounds; round++)
        {
            foreach (var (callers, suffix) in new[] { (1, ""), (Many, $"{Many}") })
            {
                var call = await CallAsync(callers, Phase, cancellationToken);
                var reply = await raw.ForAsync(body, callers, Phase, cancellationToken);
                var bare = await BareAsync(callers, Orientation, cancellationToken);
                Note($"sync{suffix}", call);
                Note($"raw_rpc{suffix}", reply);
                Note($"bare_http{suffix}", bare);
                report.Ratio($"sync{suffix}_p50_ratio", call.Calls.Percentile(0.5), reply.Calls.Percentile(0.5));
                report.Ratio($"sync{suffix}_p99_ratio", call.Calls.Percentile(0.99), reply.Calls.Percentile(0.99));
                report.Ratio($"sync{suffix}_rate_ratio", call.PerSecond, reply.PerSecond);
            }
        }

        foreach (var suffix in new[] { "", $"{Many}" })
        {
            report.Overall($"sync{suffix}_p50_ratio", whole[$"sync{suffix}"].Percentile(0.5) / whole[$"raw_rpc{suffix}"].Percentile(0.5));
            report.Overall($"sync{suffix}_p99_ratio", whole[$"sync{suffix}"].Percentile(0.99) / whole[$"raw_rpc{suffix}"].Percentile(0.99));
        }

        await records.VerifyAsync(Function, calls, cancellationToken);
    }

    private async Task<LoadResult> CallAsync(int callers, TimeSpan time, CancellationToken cancellationToken)
    {
        var load = await HttpLoad.ForAsync(platform.Gateway.Url, platform.Call(Function, Functions.Event), 200, callers, time, cancellationToken);
        calls += load.Calls.Count;
        return load;
    }

    private Task<LoadResult> BareAsync(int callers, TimeSpan time, CancellationToken cancellationToken) =>
        HttpLoad.ForAsync(baseline.Url, HttpRequests.Post(baseline.Url, "/bare", null, Functions.Event), 200, callers, time, cancellationToken);

    private void Note(string name, LoadResult load)
    {
        report.Figure($"{name}_p50", "ms", load.Calls.Percentile(0.5));
        report.Figure($"{name}_p99", "ms", load.Calls.Percentile(0.99));
        report.Figure($"{name}_rate", "1/s", load.PerSecond);
        if (!whole.TryGetValue(name, out var samples))
        {
            whole[name] = samples = new Samples();
        }

        samples.AddAll(load.Calls);
        report.Overall($"{name}_p50", samples.Percentile(0.5));
        report.Overall($"{name}_p99", samples.Percentile(0.99));
    }
}

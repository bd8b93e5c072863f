using System.Text;
using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Machine;
using FaasCluster.Bench.Records;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Scenarios;

/// <summary>
/// First and second calls of functions that were never called before, with the pool of booted sandboxes and without it,
/// against starting the bare interpreter, or a Lambda program until it asks for its first event.
/// </summary>
internal sealed class ColdStartScenario(Platform platform, RecordCounter records, Report report)
{
    private const int PooledFunctions = 20;
    private const int UnpooledFunctions = 6;

    // The pool is filled again in the background; the bare interpreter and the next function must not pay for that.
    private static readonly TimeSpan RefillPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan NoPause = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, Samples> whole = [];
    private int deployed;

    public async Task RunAsync(int rounds, CancellationToken cancellationToken)
    {
        using var bootstrap = new BareBootstrap();
        Runtime[] runtimes =
        [
            new("python3", "app.py", "app.handler", Functions.NothingPython, () => BareProcess.Run(BareProcess.Python)),
            new("nodejs", "app.js", "app.handler", Functions.NothingNode, () => BareProcess.Run(BareProcess.Node)),
            new("provided", "bootstrap", "bootstrap", Functions.NothingProvided, bootstrap.Run),
        ];

        report.Begin("coldstart: first call of a function, sandbox taken from the pool; from delivery to answer (start + init + run)");
        await RunAsync(runtimes, "", rounds, PooledFunctions, RefillPause, cancellationToken);

        report.Begin("coldstart without the pool: every sandbox is booted for the call");
        await platform.RestartWorkerAsync(
            new Dictionary<string, string> { ["Sandbox:PoolMinimum"] = "0", ["Sandbox:PoolMaximum"] = "0" }, cancellationToken);
        await RunAsync(runtimes, "_nopool", rounds, UnpooledFunctions, NoPause, cancellationToken);
    }

    private async Task RunAsync(Runtime[] runtimes, string suffix, int rounds, int functions, TimeSpan pause, CancellationToken cancellationToken)
    {
        foreach (var runtime in runtimes)
        {
            // Warm up: compiled code on every side, and the files of the interpreters in memory.
            await RoundAsync(runtime, 4, pause, cancellationToken);
        }

        for (var round = 0; round < rounds; round++)
        {
            foreach (var runtime in runtimes)
            {
                var (cold, start, warm, coldHttp, bare) = await RoundAsync(runtime, functions, pause, cancellationToken);
                var name = $"{runtime.Id}{suffix}";
                Note($"{name}_cold", cold);
                Note($"{name}_start", start);
                Note($"{name}_warm", warm);
                Note($"{name}_cold_http", coldHttp);
                Note($"{name}_bare", bare);
                Compare($"{name}_cold", cold, $"{name}_bare", bare);
                Compare($"{name}_start", start, $"{name}_bare", bare);
                Compare($"{name}_warm", warm, $"{name}_bare", bare);
                Compare($"{name}_cold_http", coldHttp, $"{name}_bare", bare);
            }
        }
    }

    private async Task<(Samples Cold, Samples Start, Samples Warm, Samples ColdHttp, Samples Bare)> RoundAsync(
        Runtime runtime, int functions, TimeSpan pause, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        for (var i = 0; i < functions; i++)
        {
            names.Add($"cold-{runtime.Id}-{deployed++}");
            await platform.DeployAsync(runtime.File, runtime.Source, Functions.Manifest(names[^1], runtime.Id, runtime.Handler), cancellationToken);
        }

        var (cold, start, warm, coldHttp, bare) = (new Samples(), new Samples(), new Samples(), new Samples(), new Samples());
        var calls = new List<(string Id, bool Cold)>();
        using (var connection = await HttpConnection.OpenAsync(platform.Gateway.Url, cancellationToken))
        {
            foreach (var name in names)
            {
                var request = platform.Call(name, Functions.Event);
                calls.Add((await CallAsync(connection, request, coldHttp, "cold", cancellationToken), true));
                calls.Add((await CallAsync(connection, request, null, "warm", cancellationToken), false));
                await Task.Delay(pause, cancellationToken);
                bare.Add(runtime.Bare());
            }
        }

        foreach (var (id, isCold) in calls)
        {
            var attempt = (await platform.InvocationAsync(id, cancellationToken)).Attempts!.Single();
            (isCold ? cold : warm).AddMilliseconds(attempt.StartMs + attempt.InitMs + attempt.RunMs);
            if (isCold)
            {
                start.AddMilliseconds(attempt.StartMs + attempt.InitMs);
            }
        }

        var since = TimeProvider.System.GetUtcNow().AddMinutes(-10);
        foreach (var name in names)
        {
            var recorded = await records.EndedAsync(name, since, cancellationToken);
            if (recorded != 2)
            {
                throw new BenchFailedException($"{name} was called twice and has {recorded} records.");
            }

            await platform.DeleteAsync(name, cancellationToken);
        }

        return (cold, start, warm, coldHttp, bare);
    }

    /// <summary>Calls once; the invocation's id.</summary>
    private static async Task<string> CallAsync(
        HttpConnection connection, byte[] request, Samples? samples, string expectedStart, CancellationToken cancellationToken)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var answer = await connection.SendAsync(request, cancellationToken);
        samples?.AddSince(began);
        var start = answer.Header("faas-start");
        return answer.Status == 200 && start == expectedStart
            ? answer.Header("faas-invocation-id")
            : throw new BenchFailedException(
                $"expected 200 and a {expectedStart} start, got:\n{Encoding.UTF8.GetString(answer.Head.Span)}{Encoding.UTF8.GetString(answer.Body.Span)}");
    }

    private void Note(string name, Samples samples)
    {
        report.Figure($"{name}_p50", "ms", samples.Percentile(0.5));
        report.Figure($"{name}_p99", "ms", samples.Percentile(0.99));
        if (!whole.TryGetValue(name, out var all))
        {
            whole[name] = all = new Samples();
        }

        all.AddAll(samples);
        report.Overall($"{name}_p50", all.Percentile(0.5));
        report.Overall($"{name}_p99", all.Percentile(0.99));
    }

    private void Compare(string name, Samples samples, string againstName, Samples against)
    {
        foreach (var (percentile, share) in new[] { ("p50", 0.5), ("p99", 0.99) })
        {
            report.Ratio($"{name}_{percentile}_ratio", samples.Percentile(share), against.Percentile(share));
            report.Overall($"{name}_{percentile}_ratio", whole[name].Percentile(share) / whole[againstName].Percentile(share));
        }
    }

    private sealed record Runtime(string Id, string File, string Handler, string Source, Func<long> Bare);
}

using System.Runtime.InteropServices;
using FaasCluster.Bench.Arguments;
using FaasCluster.Bench.Baseline;
using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Machine;
using FaasCluster.Bench.Records;
using FaasCluster.Bench.Reporting;
using FaasCluster.Bench.Scenarios;

namespace FaasCluster.Bench;

/// <summary>One run: the platform and the baseline are started, the scenarios measured, the figures printed.</summary>
internal static class Measurement
{
    // Well above what the longest run needs: five rounds of everything take about twelve minutes.
    private static readonly TimeSpan LimitPerRound = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LimitBesides = TimeSpan.FromMinutes(5);

    public static async Task<int> RunAsync(string[] words)
    {
        if (BenchArguments.Read(words, out var problem) is not { } arguments)
        {
            await Console.Error.WriteLineAsync($"{problem}\n{BenchArguments.Usage}");
            return 2;
        }

        using var stop = new CancellationTokenSource(LimitBesides + (LimitPerRound * arguments.Rounds));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Cancel(signal, stop));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Cancel(signal, stop));
        try
        {
            var report = new Report();
            await MeasureAsync(BenchServers.FromEnvironment(), arguments, report, stop.Token);
            report.Print(Console.Out);
            if (arguments.JsonFile is { } file)
            {
                await File.WriteAllTextAsync(file, report.ToJson() + "\n", stop.Token);
            }

            return 0;
        }
        catch (BenchFailedException failure)
        {
            await Console.Error.WriteLineAsync($"The bench failed: {failure.Message}");
            return 1;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("The bench was stopped, or took longer than its limit.");
            return 1;
        }
    }

    private static async Task MeasureAsync(BenchServers servers, BenchArguments arguments, Report report, CancellationToken stop)
    {
        report.Fact("rounds", arguments.Rounds);
        report.Fact("cores (shared)", Environment.ProcessorCount);
        report.Fact("memory in GB", GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30);
        report.Fact("queue type", "quorum, one node, persistent, confirmed (at most 500 outstanding)");
        var sync = SyncTime.Measure(servers.WorkDirectory);
        report.Fact("fdatasync of 8 kB, p50 in ms", Math.Round(sync.Percentile(0.5), 3));
        report.Fact("fdatasync of 8 kB, p99 in ms", Math.Round(sync.Percentile(0.99), 3));

        await using var platform = await Platform.StartAsync(servers, stop);
        try
        {
            await using var baseline = await HostProcess.StartAsync(
                "Baseline",
                typeof(Measurement).Assembly.Location,
                [BaselineServer.Verb],
                new Dictionary<string, string> { ["ConnectionStrings:RabbitMq"] = servers.RabbitMq },
                servers.WorkDirectory,
                stop);
            await using var records = new RecordCounter(servers.Postgres);
            foreach (var scenario in arguments.Scenarios)
            {
                await Console.Error.WriteLineAsync($"Measuring {scenario} ...");
                await (scenario switch
                {
                    "latency" => new LatencyScenario(platform, baseline, records, servers, report).RunAsync(arguments.Rounds, stop),
                    "throughput" => new ThroughputScenario(platform, baseline, records, servers, report).RunAsync(arguments.Rounds, stop),
                    "overload" => new OverloadScenario(platform, records, report).RunAsync(arguments.Rounds, stop),
                    "burst" => new BurstScenario(platform, records, report).RunAsync(arguments.Rounds, stop),
                    "memory" => new MemoryScenario(platform, report).RunAsync(arguments.Rounds, stop),
                    _ => new ColdStartScenario(platform, records, report).RunAsync(arguments.Rounds, stop),
                });
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw new BenchFailedException(
                $"{(failure is BenchFailedException ? failure.Message : failure)}\n--- the gateway's last words\n{platform.Gateway.LastWords()}\n--- the worker's last words\n{platform.Worker.LastWords()}");
        }
    }

    private static void Cancel(PosixSignalContext signal, CancellationTokenSource stop)
    {
        signal.Cancel = true;
        stop.Cancel();
    }
}

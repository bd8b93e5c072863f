using System.Diagnostics;
using FaasCluster.Bench.Broker;
using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Records;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Scenarios;

/// <summary>
/// Asynchronous invocations from 202 to committed record, steady and out of a filled queue, against the raw loop of publish,
/// confirm, consume and acknowledge on the same kind of queue.
/// </summary>
internal sealed class ThroughputScenario(Platform platform, HostProcess baseline, RecordCounter records, BenchServers servers, Report report)
{
    private const string Function = "bench-submit";
    private const int Callers = 64;
    private const double PhaseSeconds = 2;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly RawLoop raw = new(servers.RabbitMq);
    private long submitted;

    public async Task RunAsync(int rounds, CancellationToken cancellationToken)
    {
        report.Begin("throughput: asynchronous, Python no-op, 202 to committed record; quorum queue, persistent, confirmed");
        await platform.DeployAsync("app.py", Functions.CountingPython, Functions.Manifest(Function, "python3", "app.handler"), cancellationToken);
        var body = Functions.Event.ToArray();

        // Warm up, and find out how many fill a phase.
        await SubmitAndWaitAsync(2000, cancellationToken);
        var count = Fitting(await SubmitAndWaitAsync(4000, cancellationToken));
        await raw.PublishAndConsumeAsync(body, 5000, cancellationToken);
        var rawCount = Fitting(await raw.PublishAndConsumeAsync(body, 10_000, cancellationToken));
        await AcceptByBaselineAsync(2000, cancellationToken);

        for (var round = 0; round < rounds; round++)
        {
            var transactions = await records.WriteTransactionsAsync(cancellationToken);
            var steady = await SubmitAndWaitAsync(count, cancellationToken);
            var steadyCommits = await records.WriteTransactionsAsync(cancellationToken) - transactions;
            var loop = await raw.PublishAndConsumeAsync(body, rawCount, cancellationToken);
            var (accepted, drained, commits) = await FillAndDrainAsync(count, cancellationToken);
            var drain = await raw.DrainAsync(body, rawCount, cancellationToken);
            var accept = await AcceptByBaselineAsync(count, cancellationToken);

            report.Figure("async_rate", "1/s", steady);
            report.Figure("raw_loop_rate", "1/s", loop);
            report.Ratio("async_rate_ratio", steady, loop);
            report.Figure("burndown_rate", "1/s", drained);
            report.Ratio("burndown_rate_ratio", drained, loop);
            report.Figure("raw_drain_rate", "1/s", drain);
            report.Ratio("burndown_to_raw_drain_ratio", drained, drain);
            report.Figure("accept_rate", "1/s", accepted);
            report.Figure("raw_accept_rate", "1/s", accept);
            report.Ratio("accept_rate_ratio", accepted, accept);
            report.Figure("commits_per_invocation", "", (double)commits / count);
            report.Figure("commits_per_invocation_steady", "", (double)steadyCommits / count);
        }

        await records.VerifyAsync(Function, submitted, cancellationToken);
    }

    /// <summary>Submits while the worker works; invocations per second from the first request to the last committed record.</summary>
    private async Task<double> SubmitAndWaitAsync(int count, CancellationToken cancellationToken)
    {
        var since = TimeProvider.System.GetUtcNow();
        var load = await SubmitAsync(count, cancellationToken);
        var ended = await records.WhenEndedAsync(Function, since, count, Limit, cancellationToken);
        return count / Stopwatch.GetElapsedTime(load.Started, ended).TotalSeconds;
    }

    /// <summary>
    /// Submits while the worker is suspended (it stays warm, and does nothing), then lets it work. The rate of 202, the rate of
    /// records from the moment of its release, and the transactions that they took.
    /// </summary>
    private async Task<(double Accepted, double Drained, long Commits)> FillAndDrainAsync(int count, CancellationToken cancellationToken)
    {
        var since = TimeProvider.System.GetUtcNow();
        platform.Worker.Suspend();
        LoadResult load;
        long transactions;
        long released;
        try
        {
            load = await SubmitAsync(count, cancellationToken);
            transactions = await records.WriteTransactionsAsync(cancellationToken);
        }
        finally
        {
            released = Stopwatch.GetTimestamp();
            platform.Worker.Resume();
        }

        var ended = await records.WhenEndedAsync(Function, since, count, Limit, cancellationToken);
        var commits = await records.WriteTransactionsAsync(cancellationToken) - transactions;
        return (load.PerSecond, count / Stopwatch.GetElapsedTime(released, ended).TotalSeconds, commits);
    }

    private async Task<LoadResult> SubmitAsync(int count, CancellationToken cancellationToken)
    {
        submitted += count;
        return await HttpLoad.CountAsync(platform.Gateway.Url, platform.Submit(Function, Functions.Event), 202, Callers, count, cancellationToken);
    }

    private async Task<double> AcceptByBaselineAsync(int count, CancellationToken cancellationToken)
    {
        var request = HttpRequests.Post(baseline.Url, "/publish", null, Functions.Event);
        var load = await HttpLoad.CountAsync(baseline.Url, request, 202, Callers, count, cancellationToken);
        await using var connection = await BrokerConnection.OpenAsync(servers.RabbitMq, cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var purged = await channel.QueuePurgeAsync(Baseline.BaselineServer.Queue, cancellationToken);
        return purged == count
            ? load.PerSecond
            : throw new BenchFailedException($"The baseline accepted {count} messages, but its queue held {purged}.");
    }

    private static int Fitting(double perSecond) => (int)Math.Clamp(perSecond * PhaseSeconds, 1000, 50_000);
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using FaasCluster.EndToEnd.Tests.Hosting;
using Npgsql;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>A limit of five at once, over two workers of which one dies.</summary>
[Collection(Serial.Name)]
public sealed class ConcurrencyTests
{
    private const int Limit = 5;
    private const int Calls = 200;

    // Monotonic time is the same in every sandbox of a host.
    private const string Timed = """
        import time
        def handler(event, context):
            began = time.monotonic()
            time.sleep(0.1)
            return f'{began:.6f} {time.monotonic():.6f}'
        """;

    [Fact]
    public async Task Fault01_WorkerKilledWhile200CallsRun_NeverMoreRunThanTheLimitAllows()
    {
        await using var platform = await ClusterPlatform.StartAsync(new Dictionary<string, string> { ["Worker:SlotLease"] = "00:00:10" }, workers: 2);
        await platform.Client.DeployFileAsync("app.py", Timed, $"{{name: timed, runtime: python3, handler: app.handler, concurrency: {Limit}}}");
        var runs = new ConcurrentBag<(double Began, double Ended)>();
        var statuses = new ConcurrentBag<HttpStatusCode>();
        using var watching = new CancellationTokenSource();
        var watch = WatchAsync(platform.ConnectionString, watching.Token);

        // 1. Calls spread over both workers, and more of them than the limit are refused with the time to come back.
        await Until.TrueAsync(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => CallAsync(platform.Client, runs, statuses)));
                return await HoldersAsync(platform.ConnectionString) == 2 && statuses.Contains(HttpStatusCode.TooManyRequests);
            },
            "both workers hold slots, and calls are refused");

        // 2. What nobody waits for is all accepted, and waits.
        var accepted = await Task.WhenAll(Enumerable.Range(0, Calls).Select(_ => platform.Client.CallAsync("timed")));
        Assert.DoesNotContain(null, accepted);
        await Until.TrueAsync(async () => await EndedAsync(platform.ConnectionString) > Calls / 4, "a quarter has ended");
        await platform.Workers[0].KillAsync();
        foreach (var id in accepted)
        {
            var ended = await platform.Client.EndOfAsync(id!.Value);
            Assert.Equal("succeeded", ended.State);
            Add(runs, ended.Result!.Text!);
        }

        // 3. Slots of the dead worker come back: calls run as before.
        await Until.TrueAsync(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => CallAsync(platform.Client, runs, statuses)));
                return await MostAsync(platform.ConnectionString) == 0;
            },
            "the dead worker's leases are gone");
        await watching.CancelAsync();
        Assert.InRange(await watch, 2, Limit);
        Assert.InRange(MostAtOnce(runs), 2, Limit);
        Assert.DoesNotContain(statuses, status => status is not (HttpStatusCode.OK or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway));
    }

    private static async Task CallAsync(FaasClient client, ConcurrentBag<(double Began, double Ended)> runs, ConcurrentBag<HttpStatusCode> statuses)
    {
        using var answer = await client.InvokeAsync("timed");
        statuses.Add(answer.StatusCode);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            Add(runs, await answer.Content.ReadAsStringAsync());
        }
        else if (answer.StatusCode == HttpStatusCode.TooManyRequests)
        {
            Assert.Equal("throttled", (await FaasClient.ProblemAsync(answer, HttpStatusCode.TooManyRequests)).Code);
            Assert.True(answer.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        }
    }

    private static void Add(ConcurrentBag<(double Began, double Ended)> runs, string text)
    {
        var times = text.Trim('"').Split(' ').Select(time => double.Parse(time, CultureInfo.InvariantCulture)).ToArray();
        runs.Add((times[0], times[1]));
    }

    /// <summary>How many ran at the same moment at most.</summary>
    private static int MostAtOnce(IEnumerable<(double Began, double Ended)> runs)
    {
        var (most, now) = (0, 0);
        foreach (var (_, change) in runs.SelectMany(run => new[] { (run.Began, 1), (run.Ended, -1) }).OrderBy(step => step.Item1))
        {
            now += change;
            most = Math.Max(most, now);
        }

        return most;
    }

    /// <summary>The most slots that were leased at any time until it is cancelled.</summary>
    private static async Task<long> WatchAsync(string store, CancellationToken cancellationToken)
    {
        var most = 0L;
        while (!cancellationToken.IsCancellationRequested)
        {
            most = Math.Max(most, await ScalarAsync(store, "SELECT coalesce(sum(slots), 0) FROM slot_leases WHERE expires_at > clock_timestamp()"));
            await Task.Delay(10, CancellationToken.None);
        }

        return most;
    }

    private static Task<long> HoldersAsync(string store) => ScalarAsync(store, "SELECT count(*) FROM slot_leases WHERE slots > 0 AND expires_at > clock_timestamp()");

    private static Task<long> EndedAsync(string store) => ScalarAsync(store, "SELECT count(*) FROM invocations WHERE kind = 'asynchronous' AND ended_at IS NOT NULL");

    // Everybody but the one that lives holds nothing any more.
    private static async Task<long> MostAsync(string store) => await HoldersAsync(store) - 1;

    private static async Task<long> ScalarAsync(string store, string statement)
    {
        await using var connection = new NpgsqlConnection(store);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using FaasCluster.EndToEnd.Tests.Hosting;
using FaasCluster.Testing;
using Npgsql;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>What survives kill -9: everything that was answered with 202, and everybody else's calls.</summary>
[Collection(Serial.Name)]
public sealed class KillTests
{
    private const string Echo = "def handler(event, context):\n    return event\n";
    private const string EchoManifest = "{name: echo, runtime: python3, handler: app.handler}";
    private const int Submitted = 10_000;

    // The gateway needs four seconds for what ran too shortly to be told of; the function's own limits would end a call after 45.
    private static readonly TimeSpan Quickly = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Fault01_WorkerKilledUnderSteadyCalls_FailsOnlyItsOwnCallsQuickly()
    {
        await using var platform = await ClusterPlatform.StartAsync(new Dictionary<string, string>(), workers: 2);
        await platform.Client.DeployFileAsync(
            "app.py", "import time\ndef handler(event, context):\n    time.sleep(0.05)\n    return event\n", EchoManifest);
        using var stop = new CancellationTokenSource();
        var calls = new ConcurrentQueue<(TimeSpan At, TimeSpan Took, HttpStatusCode Status)>();
        var clock = Stopwatch.StartNew();
        var callers = Enumerable.Range(0, 8).Select(_ => CallUntilAsync(platform.Client, calls, clock, stop.Token)).ToArray();
        await Until.TrueAsync(() => calls.Count > 200, "calls flow");

        var killedAt = clock.Elapsed;
        await platform.Workers[0].KillAsync();
        await Until.TrueAsync(() => calls.Count(call => call.At > killedAt && call.Status == HttpStatusCode.OK) > 300, "calls flow again");
        await stop.CancelAsync();
        await Task.WhenAll(callers);

        var failed = calls.Where(call => call.Status != HttpStatusCode.OK).ToList();
        Assert.True(failed.Count <= 8, $"{failed.Count} calls failed, more than ran: {string.Join(", ", failed)}");
        Assert.All(failed, call => Assert.Equal(HttpStatusCode.BadGateway, call.Status));
        Assert.All(failed, call => Assert.True(call.Took < Quickly, $"a call took {call.Took} to fail"));
        Assert.Contains(calls, call => call.Status == HttpStatusCode.OK && call.At > killedAt && call.At < killedAt + Quickly);
    }

    [Theory]
    [InlineData("worker")]
    [InlineData("gateway")]
    public async Task Fault01_TenThousandWithAProcessOfTheClusterKilled_EndInOneRecordAndOneBillEach(string victim)
    {
        await using var platform = await ClusterPlatform.StartAsync(new Dictionary<string, string>(), workers: 2);
        await platform.Client.DeployFileAsync("app.py", Echo, EchoManifest);

        var accepted = await SubmitAsync(platform.Client, async () =>
        {
            if (victim == "worker")
            {
                await platform.Workers[0].KillAsync();
                await platform.StartWorkerAsync();
            }
            else
            {
                await platform.Gateway.KillAsync();
                await platform.StartGatewayAsync();
                await platform.Gateway.WhenReadyAsync();
            }
        });

        await using var connection = new NpgsqlConnection(platform.ConnectionString);
        await connection.OpenAsync();
        await Until.TrueAsync(
            async () => await CountAsync(connection, "SELECT count(*) FROM invocations WHERE state = 'succeeded' AND invocation_id = ANY(@ids)", accepted) == accepted.Count,
            "every accepted invocation has its terminal record",
            TimeSpan.FromMinutes(10));
        Assert.Equal(accepted.Count, await CountAsync(connection, "SELECT count(*) FROM billing_records WHERE invocation_id = ANY(@ids)", accepted));
    }

    [Fact]
    public async Task TenThousand_WithAWorkerThatAcknowledgesBeforeItCommits_AreNotAllRecorded()
    {
        // The control: without the order of commit and acknowledgement the same run loses, so the run above proves something.
        await FaultyHosts.BuildAsync();
        var dll = FaultyHosts.Dll("Worker");
        using var directory = new TemporaryDirectory();
        var order = Path.Combine(directory.Path, "crash");
        var settings = new Dictionary<string, string> { ["FAAS_FAULT"] = "acknowledge-first", ["FAAS_CRASH"] = order };
        await using var platform = await ClusterPlatform.StartAsync(settings, workers: 2, dll);
        await platform.Client.DeployFileAsync("app.py", Echo, EchoManifest);

        var accepted = await SubmitAsync(platform.Client, async () =>
        {
            // Not by chance: whichever worker comes to that point next dies there, with an acknowledgement sent and nothing committed.
            await File.WriteAllTextAsync($"{order}.new", "after-acknowledgement");
            File.Move($"{order}.new", order);
            await Until.TrueAsync(() => platform.Workers.Any(worker => worker.HasExited), "a worker dies between its acknowledgement and its commit");
            await platform.StartWorkerAsync();
        });

        await using var connection = new NpgsqlConnection(platform.ConnectionString);
        await connection.OpenAsync();

        var ended = -1L;
        var stableSince = Stopwatch.StartNew();
        await Until.TrueAsync(
            async () =>
            {
                var now = await CountAsync(connection, "SELECT count(*) FROM invocations WHERE state = 'succeeded' AND invocation_id = ANY(@ids)", accepted);
                if (now != ended)
                {
                    ended = now;
                    stableSince.Restart();
                }

                return stableSince.Elapsed > TimeSpan.FromSeconds(8);
            },
            "nothing more is recorded",
            TimeSpan.FromMinutes(10));
        Assert.True(ended < accepted.Count, $"all {accepted.Count} were recorded although the acknowledgement came first");
    }

    [Fact]
    public async Task Fault01_TenThousandWithTheEmbeddedProcessKilled_EndInOneRecordEach()
    {
        await using var platform = await EmbeddedPlatform.StartAsync(new Dictionary<string, string>());
        await platform.Client.DeployFileAsync("app.py", Echo, EchoManifest);

        var accepted = await SubmitAsync(platform.Client, async () =>
        {
            await platform.Host.KillAsync();
            await platform.StartHostAsync();
        });

        await AllEndAsync(platform.Client, accepted);
        foreach (var id in accepted.Take(50))
        {
            Assert.Single((await platform.Client.InvocationAsync(id)).Attempts!);
        }
    }

    /// <summary>Submits over HTTP from many callers; in the middle something is killed. Returns the ids that were answered with 202.</summary>
    internal static async Task<IReadOnlyCollection<Guid>> SubmitAsync(FaasClient client, Func<Task> kill, int count = Submitted)
    {
        var accepted = new ConcurrentQueue<Guid>();
        var next = 0;
        var callers = Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) <= count)
            {
                Guid? id = null;
                while (id is null)
                {
                    try
                    {
                        id = await client.CallAsync("echo", """{"n":1}""");
                    }
                    catch (HttpRequestException)
                    {
                        // Killed before it answered: nothing was promised. Be patient while it is down.
                        await Task.Delay(50);
                    }
                }

                accepted.Enqueue(id.Value);
            }
        })).ToArray();
        await Until.TrueAsync(() => accepted.Count > count / 3, "a third is submitted");
        await kill();
        await Task.WhenAll(callers);
        Assert.Equal(count, accepted.Count);
        return accepted;
    }

    private static Task AllEndAsync(FaasClient client, IReadOnlyCollection<Guid> accepted) => Parallel.ForEachAsync(
        accepted,
        new ParallelOptions { MaxDegreeOfParallelism = 16 },
        async (id, _) => Assert.Equal("succeeded", (await client.EndOfAsync(id)).State));

    private static async Task CallUntilAsync(
        FaasClient client, ConcurrentQueue<(TimeSpan At, TimeSpan Took, HttpStatusCode Status)> calls, Stopwatch clock, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var began = clock.Elapsed;
            using var answer = await client.InvokeAsync("echo");
            calls.Enqueue((clock.Elapsed, clock.Elapsed - began, answer.StatusCode));
        }
    }

    private static async Task<long> CountAsync(NpgsqlConnection connection, string statement, IReadOnlyCollection<Guid> ids)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        command.Parameters.AddWithValue("ids", ids.ToArray());
        return (long)(await command.ExecuteScalarAsync())!;
    }
}

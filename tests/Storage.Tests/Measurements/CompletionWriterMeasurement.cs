using System.Diagnostics;
using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Telemetry;
using Npgsql;
using NpgsqlTypes;

namespace FaasCluster.Storage.Tests.Measurements;

/// <summary>
/// What recording costs, as ratios of two things measured in alternation. Not part of a normal run:
/// <c>FaasCluster.Storage.Tests -explicit only -class "*Measurement" -showLiveOutput</c>.
/// </summary>
public sealed class CompletionWriterMeasurement(PostgresBackend backend, ITestOutputHelper output) : IClassFixture<PostgresBackend>
{
    private const int Rounds = 5;
    private const int Rows = 20_000;

    [Fact(Explicit = true)]
    public async Task Throughput_AgainstBinaryCopy()
    {
        await using var node = await StoreNode.StartAsync(backend);
        await using var source = NpgsqlDataSource.Create(backend.ConnectionString);
        var copies = new List<double>();
        var measured = new Dictionary<string, List<double>>();
        var commits = new Dictionary<string, double>();
        for (var round = -1; round < Rounds; round++)
        {
            var copy = await RateAsync(() => CopyAsync(source, Records()));
            var results = new Dictionary<string, double>
            {
                ["RecordAsync, batches of 500"] = await RateAsync(() => RecordAsync(node, Records())),
                ["RecordAsync, batches of 500, two at a time"] = await RateAsync(() => RecordTwoAsync(node, Records())),
            };
            foreach (var writers in new[] { 16, 64, 500, 2000 })
            {
                var batches = 0L;
                using (var listener = Listen(node, () => Interlocked.Increment(ref batches)))
                {
                    results[$"WriteAsync, {writers} writers"] = await RateAsync(() => WriteAsync(node, Records(), writers));
                }

                commits[$"WriteAsync, {writers} writers"] = (double)batches / Rows;
            }

            if (round < 0)
            {
                continue;
            }

            copies.Add(copy);
            foreach (var (name, rate) in results)
            {
                measured.TryAdd(name, []);
                measured[name].Add(rate / copy);
            }
        }

        output.WriteLine($"binary COPY of {Rows} invocations and bills: {Range(copies, "0")} invocations/s");
        foreach (var (name, ratios) in measured)
        {
            output.WriteLine($"{name}: {Range(ratios, "0.00")} of COPY, {commits.GetValueOrDefault(name, 1 / 500.0):0.000} commits per invocation");
        }
    }

    [Fact(Explicit = true)]
    public async Task Latency_AgainstBareInsert()
    {
        await using var node = await StoreNode.StartAsync(backend);
        await using var source = NpgsqlDataSource.Create(backend.ConnectionString + ";Max Auto Prepare=10;Auto Prepare Min Usages=2;No Reset On Close=true");
        await using (var create = source.CreateCommand("CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, value text)"))
        {
            await create.ExecuteNonQueryAsync();
        }

        var bare = new List<double>();
        var insertCommit = new List<double>();
        var lone = new List<double>();
        var record = new List<double>();
        for (var round = -1; round < Rounds; round++)
        {
            var results = new[]
            {
                await LatencyAsync(() => BareAsync(source)),
                await LatencyAsync(() => InsertCommitAsync(source)),
                await LatencyAsync(() => node.Completions.WriteAsync(Sample.Success(Sample.Message()), default)),
                await LatencyAsync(() => node.Invocations.RecordAsync([Sample.Success(Sample.Message())], default)),
            };
            if (round >= 0)
            {
                bare.Add(results[0]);
                insertCommit.Add(results[1]);
                lone.Add(results[2]);
                record.Add(results[3]);
            }
        }

        output.WriteLine($"p50 of a bare INSERT into a two-column table, autocommit: {Range(bare, "0.000")} ms");
        output.WriteLine($"p50 of the same as BEGIN; INSERT; COMMIT: {Range(insertCommit, "0.000")} ms");
        output.WriteLine($"p50 of a lone RecordAsync: {Range(record, "0.000")} ms");
        output.WriteLine($"p50 of a lone WriteAsync: {Range(lone, "0.000")} ms, {Range(lone.Zip(bare, (a, b) => a / b), "0.00")} times the bare INSERT, {Range(lone.Zip(insertCommit, (a, b) => a / b), "0.00")} times INSERT; COMMIT");
    }

    private static List<AttemptRecord> Records() => [.. Enumerable.Range(0, Rows).Select(_ => Sample.Success(Sample.Message()))];

    private static async Task<double> RateAsync(Func<Task> work)
    {
        GC.Collect();
        var watch = Stopwatch.StartNew();
        await work();
        return Rows / watch.Elapsed.TotalSeconds;
    }

    private static async Task<double> LatencyAsync(Func<Task> call)
    {
        var times = new List<double>();
        for (var i = 0; i < 400; i++)
        {
            var watch = Stopwatch.StartNew();
            await call();
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        return times.Order().ElementAt(200);
    }

    private static async Task RecordAsync(StoreNode node, List<AttemptRecord> records)
    {
        foreach (var batch in records.Chunk(500))
        {
            await node.Invocations.RecordAsync(batch, default);
        }
    }

    private static Task RecordTwoAsync(StoreNode node, List<AttemptRecord> records) => Task.WhenAll(
        Task.Run(() => RecordAsync(node, records[..(Rows / 2)])), Task.Run(() => RecordAsync(node, records[(Rows / 2)..])));

    private static Task WriteAsync(StoreNode node, List<AttemptRecord> records, int writers) =>
        Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            for (var i = writer; i < records.Count; i += writers)
            {
                await node.Completions.WriteAsync(records[i], default);
            }
        })));

    private static async Task BareAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand("INSERT INTO bare (id, value) VALUES ($1, 'x')");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() });
        await command.ExecuteNonQueryAsync();
    }

    private static async Task InsertCommitAsync(NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("INSERT INTO bare (id, value) VALUES ($1, 'x')", connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() });
        await command.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
    }

    private static async Task CopyAsync(NpgsqlDataSource source, List<AttemptRecord> records)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var writer = await connection.BeginBinaryImportAsync(
            """
            COPY invocations (invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, state, attempt, recorded_attempt,
                accepted_at, due_at, deadline, ended_at, body_is_stored, result_content_type, result_body) FROM STDIN (FORMAT BINARY)
            """))
        {
            foreach (var record in records)
            {
                var message = record.Message;
                await writer.StartRowAsync();
                await writer.WriteAsync(message.InvocationId);
                await writer.WriteAsync(message.AccountId);
                await writer.WriteAsync(message.FunctionId);
                await writer.WriteAsync(record.FunctionName);
                await writer.WriteAsync(message.Revision);
                await writer.WriteAsync("asynchronous");
                await writer.WriteAsync("api");
                await writer.WriteAsync("succeeded");
                await writer.WriteAsync(1);
                await writer.WriteAsync(1);
                await writer.WriteAsync(message.AcceptedAt, NpgsqlDbType.TimestampTz);
                await writer.WriteAsync(message.DueAt, NpgsqlDbType.TimestampTz);
                await writer.WriteAsync(message.Deadline, NpgsqlDbType.TimestampTz);
                await writer.WriteAsync(record.EndedAt, NpgsqlDbType.TimestampTz);
                await writer.WriteAsync(false);
                await writer.WriteAsync("application/json");
                await writer.WriteAsync(record.Result!.Body.ToArray());
            }

            await writer.CompleteAsync();
        }

        await using (var writer = await connection.BeginBinaryImportAsync(
            """
            COPY billing_records (invocation_id, attempt, account_id, function_name, state, started_at, ended_at, queue_us, start_us, init_us, run_us,
                cold_start, memory_bytes, peak_memory_bytes, cpu_us, worker_id, billed_ms, gb_seconds, cost, price_version) FROM STDIN (FORMAT BINARY)
            """))
        {
            foreach (var record in records)
            {
                await writer.StartRowAsync();
                await writer.WriteAsync(record.Message.InvocationId);
                await writer.WriteAsync(1);
                await writer.WriteAsync(record.Message.AccountId);
                await writer.WriteAsync(record.FunctionName);
                await writer.WriteAsync("succeeded");
                await writer.WriteAsync(record.StartedAt, NpgsqlDbType.TimestampTz);
                await writer.WriteAsync(record.EndedAt, NpgsqlDbType.TimestampTz);
                await writer.WriteAsync(2000L);
                await writer.WriteAsync(1000L);
                await writer.WriteAsync(1500L);
                await writer.WriteAsync(4500L);
                await writer.WriteAsync(true);
                await writer.WriteAsync(record.MemoryBytes);
                await writer.WriteAsync(record.PeakMemoryBytes!.Value);
                await writer.WriteAsync(3210L);
                await writer.WriteAsync(record.WorkerId);
                await writer.WriteAsync(record.Bill.BilledMilliseconds);
                await writer.WriteAsync(record.Bill.GigabyteSeconds);
                await writer.WriteAsync(record.Bill.Cost);
                await writer.WriteAsync(record.Bill.PriceVersion);
            }

            await writer.CompleteAsync();
        }

        await transaction.CommitAsync();
    }

    private static MeterListener Listen(StoreNode node, Action committed)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == TelemetryNames.CompletionBatch && instrument.Meter == node.Get<StorageMetrics>().Meter)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((_, _, _, _) => committed());
        listener.Start();
        return listener;
    }

    private static string Range(IEnumerable<double> values, string format)
    {
        var sorted = values.Order().ToList();
        return $"{sorted[sorted.Count / 2].ToString(format)} ({sorted[0].ToString(format)} to {sorted[^1].ToString(format)})";
    }
}

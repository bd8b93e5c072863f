using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Telemetry;

namespace FaasCluster.Storage.Tests.Invocations;

public abstract class CompletionWriterConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Write_ByThousandsAtOnce_CommitsInGroupsAndEachOnce()
    {
        const int Count = 5000;
        using var batches = Listen<int>(TelemetryNames.CompletionBatch);
        var account = $"a{Guid.NewGuid():N}";
        var records = Enumerable.Range(0, Count).Select(_ => Sample.Success(Sample.Message(account: account))).ToList();

        // Every tenth comes twice.
        var outcomes = await Task.WhenAll(records
            .Concat(records.Where((_, i) => i % 10 == 0))
            .Select(record => Task.Run(() => Node.Completions.WriteAsync(record, default))));

        Assert.Equal(Count, outcomes.Count(outcome => outcome == RecordOutcome.Recorded));
        Assert.Equal(Count / 10, outcomes.Count(outcome => outcome == RecordOutcome.Duplicate));
        var usage = Assert.Single(await Node.Usage.ByFunctionAsync(account, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), default));
        Assert.Equal(Count, usage.Attempts);
        Assert.Equal(Count * 6, usage.BilledMilliseconds);
        Assert.Equal(Count + (Count / 10), batches.Values.Sum());
        Assert.True(batches.Values.Count <= Count / 5, $"{batches.Values.Count} commits for {Count} records.");
        Assert.True(batches.Values.Max() <= 500, $"A batch had {batches.Values.Max()} records.");
    }

    [Fact]
    public async Task Write_Alone_IsCommittedWhenItReturns()
    {
        using var batches = Listen<int>(TelemetryNames.CompletionBatch);
        using var durations = Listen<double>(TelemetryNames.CommitDuration);
        var record = Sample.Success(Sample.Message());

        Assert.Equal(RecordOutcome.Recorded, await Node.Completions.WriteAsync(record, default));

        Assert.Equal(InvocationState.Succeeded, await StateAsync(Node, record));
        Assert.Equal([1], batches.Values);
        Assert.True(Assert.Single(durations.Values) > 0);
        Assert.False(Node.Completions.IsSaturated);
    }

    [Fact]
    public async Task Write_Duplicate_IsCounted()
    {
        using var duplicates = Listen<long>(TelemetryNames.Duplicates);
        var record = Sample.Success(Sample.Message());
        await Node.Completions.WriteAsync(record, default);

        Assert.Equal(RecordOutcome.Duplicate, await Node.Completions.WriteAsync(record, default));

        Assert.Equal([1L], duplicates.Values);
    }

    [Fact]
    public async Task Write_Refused_DoesNotHoldUpItsNeighbours()
    {
        var bad = Sample.Success(Sample.Message()) with { MemoryBytes = -1 };
        var good = Enumerable.Range(0, 50).Select(_ => Sample.Success(Sample.Message())).ToList();

        var writes = good.Append(bad).Select(record => Node.Completions.WriteAsync(record, default)).ToList();

        var outcomes = await Task.WhenAll(writes);
        Assert.Equal(RecordOutcome.Refused, outcomes[^1]);
        Assert.All(outcomes[..^1], outcome => Assert.Equal(RecordOutcome.Recorded, outcome));
    }

    [Fact]
    public async Task Write_CancelledWhileItWaits_IsStillWritten()
    {
        var record = Sample.Success(Sample.Message());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Node.Completions.WriteAsync(record, new CancellationToken(canceled: true)));

        await Node.Completions.FlushAsync(default);
        Assert.Equal(InvocationState.Succeeded, await StateAsync(Node, record));
    }

    [Fact]
    public async Task Stop_WithRecordsInTheBuffer_WritesThem()
    {
        var node = await StoreNode.StartAsync(Backend);
        var records = Enumerable.Range(0, 2000).Select(_ => Sample.Success(Sample.Message())).ToList();
        var writes = records.Select(record => node.Completions.WriteAsync(record, default)).ToList();

        await node.DisposeAsync();

        Assert.All(await Task.WhenAll(writes), outcome => Assert.Equal(RecordOutcome.Recorded, outcome));
        Assert.Equal(InvocationState.Succeeded, await StateAsync(Node, records[^1]));
    }

    [Fact]
    public async Task Accepted_IsPendingUntilItIsCommitted()
    {
        var messages = Enumerable.Range(0, 300).Select(_ => Sample.Message()).ToList();
        foreach (var message in messages)
        {
            await Node.Accepted.AddAsync(Sample.Accepted(message), default);

            // At any time it is found here or there: the gateway answers for it.
            Assert.True(
                Node.Accepted.FindPending(message.InvocationId) is not null
                || await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default) is not null);
        }

        await Node.Accepted.FlushAsync(default);

        foreach (var message in messages)
        {
            Assert.Null(Node.Accepted.FindPending(message.InvocationId));
            Assert.NotNull(await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default));
        }
    }

    protected static async Task<InvocationState?> StateAsync(StoreNode node, AttemptRecord record) =>
        (await node.Invocations.FindAsync(record.Message.AccountId, record.Message.InvocationId, default))?.Summary.State;

    private Measurements<T> Listen<T>(string instrument)
        where T : struct => new(Node.Get<StorageMetrics>(), instrument);

    /// <summary>What one node's instrument reported.</summary>
    private sealed class Measurements<T> : IDisposable
        where T : struct
    {
        private readonly MeterListener _listener = new();
        private readonly List<T> _values = [];

        internal Measurements(StorageMetrics metrics, string instrument)
        {
            _listener.InstrumentPublished = (published, listener) =>
            {
                if (published.Name == instrument && published.Meter == metrics.Meter)
                {
                    listener.EnableMeasurementEvents(published);
                }
            };
            _listener.SetMeasurementEventCallback<T>((_, value, _, _) =>
            {
                lock (_values)
                {
                    _values.Add(value);
                }
            });
            _listener.Start();
        }

        public IReadOnlyList<T> Values
        {
            get
            {
                lock (_values)
                {
                    return [.. _values];
                }
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}

public sealed class PostgresCompletionWriterTests(PostgresBackend backend) : CompletionWriterConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteCompletionWriterTests(SqliteBackend backend) : CompletionWriterConformance(backend), IClassFixture<SqliteBackend>;

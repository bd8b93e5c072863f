using FaasCluster.Storage.Groups;
using FaasCluster.Storage.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Storage.Invocations;

/// <inheritdoc cref="ICompletionWriter"/>
internal sealed class CompletionWriter : ICompletionWriter, IHostedService, IAsyncDisposable
{
    private readonly IInvocationStore _store;
    private readonly StorageMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly GroupWriter<AttemptRecord, RecordOutcome> _group;

    public CompletionWriter(IInvocationStore store, IOptions<StorageOptions> options, StorageMetrics metrics, TimeProvider time, ILogger<CompletionWriter> log)
    {
        _store = store;
        _metrics = metrics;
        _time = time;
        _group = new GroupWriter<AttemptRecord, RecordOutcome>(
            new GroupWriterSettings<AttemptRecord>
            {
                What = "attempts",
                PendingLimit = options.Value.PendingLimit,
                BatchLimit = options.Value.BatchLimit,
                Weigh = InvocationRows.Weigh,
            },
            CommitAsync,
            time,
            log);
        metrics.ObservePending(() => _group.Pending);
    }

    public bool IsSaturated => _group.IsSaturated;

    public Task<RecordOutcome> WriteAsync(AttemptRecord record, CancellationToken cancellationToken) => _group.WriteAsync(record, cancellationToken);

    public Task FlushAsync(CancellationToken cancellationToken) => _group.FlushAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _group.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private async Task<IReadOnlyList<RecordOutcome>> CommitAsync(IReadOnlyList<AttemptRecord> batch, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        var outcomes = await _store.RecordAsync(batch, cancellationToken).ConfigureAwait(false);
        _metrics.Committed(batch.Count, _time.GetElapsedTime(started));
        return outcomes;
    }
}

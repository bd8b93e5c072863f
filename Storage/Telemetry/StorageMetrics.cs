using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Telemetry;

/// <summary>All instruments of the store.</summary>
internal sealed class StorageMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Histogram<int> _batch;
    private readonly Histogram<double> _commit;
    private readonly Counter<long> _duplicates;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _deadLetters;
    private readonly Counter<long> _droppedLines;

    public StorageMetrics(IMeterFactory? meters = null)
    {
        _meter = meters?.Create(TelemetryNames.Source) ?? new Meter(TelemetryNames.Source);
        _batch = _meter.CreateHistogram<int>(TelemetryNames.CompletionBatch, "{record}", "Records in one commit.");
        _commit = _meter.CreateHistogram<double>(TelemetryNames.CommitDuration, "s", "One commit, from its first statement to its return.");
        _duplicates = _meter.CreateCounter<long>(TelemetryNames.Duplicates, "{record}", "Late or repeated records that changed nothing.");
        _refused = _meter.CreateCounter<long>(TelemetryNames.RefusedRecords, "{record}", "Records that the store refuses and always will.");
        _ended = _meter.CreateCounter<long>(TelemetryNames.InvocationsEnded, "{invocation}", "Asynchronous invocations whose end was recorded.");
        _deadLetters = _meter.CreateCounter<long>(TelemetryNames.DeadLetters, "{invocation}", "Dead letters made.");
        _droppedLines = _meter.CreateCounter<long>(TelemetryNames.DroppedLogLines, "{line}", "Lines of functions that were dropped because the store did not keep up.");
    }

    /// <summary>The meter of this host.</summary>
    public Meter Meter => _meter;

    /// <summary>Shows how many records wait for their commit.</summary>
    public void ObservePending(Func<int> pending) =>
        _meter.CreateObservableGauge(TelemetryNames.CompletionPending, pending, "{record}", "Records waiting for their commit.");

    public void Committed(int records, TimeSpan duration)
    {
        _batch.Record(records);
        _commit.Record(duration.TotalSeconds);
    }

    /// <summary>Counts the ends among attempts that were new.</summary>
    public void Recorded(IEnumerable<AttemptRecord> attempts)
    {
        foreach (var attempt in attempts)
        {
            if (attempt.Message.Kind != InvocationKind.Asynchronous || !attempt.State.IsTerminal())
            {
                continue;
            }

            var name = new KeyValuePair<string, object?>(TelemetryNames.FaasName, attempt.FunctionName);
            _ended.Add(1, name);
            if (attempt.State is InvocationState.Failed or InvocationState.Expired or InvocationState.Lost)
            {
                _deadLetters.Add(1, name);
            }
        }
    }

    public void Duplicates(int count)
    {
        if (count > 0)
        {
            _duplicates.Add(count);
        }
    }

    public void Refused(string what) => _refused.Add(1, new KeyValuePair<string, object?>("what", what));

    public void DroppedLines(int count) => _droppedLines.Add(count);

    public void Dispose() => _meter.Dispose();
}

using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Telemetry;

namespace FaasCluster.Gateway.Conservation;

/// <summary>The latest count, for the status and as metrics. Every gateway counts all of the cluster: take one, not their sum.</summary>
internal sealed class ConservationMetrics : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> accepted;

    public ConservationMetrics(IMeterFactory meters)
    {
        meter = meters.Create(TelemetryNames.Source);
        accepted = meter.CreateCounter<long>(TelemetryNames.InvocationsAccepted, "{invocation}", "Asynchronous invocations that were answered with 202.");
        Observe(TelemetryNames.InvocationsOpen, "Rows of asynchronous invocations that have not ended.", latest => latest.Open);
        Observe(TelemetryNames.InvocationsWaiting, "Asynchronous invocations in the outbox and ready in the broker.", latest => latest.Outbox + latest.Ready + latest.Dead);
        Observe(TelemetryNames.InvocationsRunning, "Asynchronous invocations that workers hold.", latest => latest.Held);
        Observe(TelemetryNames.InvocationsMissing, "Rows that have not ended and that neither outbox nor broker holds.", latest => latest.Missing);
        meter.CreateObservableGauge(
            TelemetryNames.OpenDeadLetters, () => OpenDeadLetters is { } open ? [new Measurement<long>(open)] : Array.Empty<Measurement<long>>(), "{invocation}", "Dead letters that nobody has dealt with.");
    }

    /// <summary>The latest count; null until there was one.</summary>
    public ConservationStatus? Latest { get; private set; }

    /// <summary>Open dead letters at that time.</summary>
    public long? OpenDeadLetters { get; private set; }

    public void Update(ConservationStatus latest, long openDeadLetters)
    {
        Latest = latest;
        OpenDeadLetters = openDeadLetters;
    }

    /// <summary>Counts invocations that were accepted.</summary>
    public void Accepted(string function, int count = 1) => accepted.Add(count, new KeyValuePair<string, object?>(TelemetryNames.FaasName, function));

    public void Dispose() => meter.Dispose();

    private void Observe(string name, string description, Func<ConservationStatus, long> value) => meter.CreateObservableGauge(
        name, () => Latest is { } latest ? [new Measurement<long>(value(latest))] : Array.Empty<Measurement<long>>(), "{invocation}", description);
}

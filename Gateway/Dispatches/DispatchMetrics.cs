using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>Counts deliveries. By the function whose invocation ended, never by receivers: those are for callers to choose, without number.</summary>
internal sealed class DispatchMetrics : IDisposable
{
    public const string Delivered = "delivered";
    public const string Failed = "failed";
    public const string Dead = "dead";

    private readonly Meter meter;
    private readonly Counter<long> deliveries;

    public DispatchMetrics(IMeterFactory meters)
    {
        meter = meters.Create(TelemetryNames.Source);
        deliveries = meter.CreateCounter<long>(
            TelemetryNames.Dispatches, "{delivery}", "Deliveries to destinations and callbacks: delivered, failed and tried again, or dead.");
    }

    public void Count(Dispatch dispatch, string outcome) => deliveries.Add(
        1,
        new KeyValuePair<string, object?>(TelemetryNames.FaasName, dispatch.FunctionName),
        new KeyValuePair<string, object?>("kind", dispatch.Kind.ToWire()),
        new KeyValuePair<string, object?>("outcome", outcome));

    public void Dispose() => meter.Dispose();
}

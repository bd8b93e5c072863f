using System.Diagnostics;
using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Telemetry;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Instruments of sandboxes' networks.</summary>
internal sealed class NetworkMetrics : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> refused;
    private readonly UpDownCounter<long> connections;

    public NetworkMetrics(IMeterFactory meters)
    {
        meter = meters.Create(TelemetryNames.Source);
        refused = meter.CreateCounter<long>(TelemetryNames.NetworkRefused);
        connections = meter.CreateUpDownCounter<long>(TelemetryNames.NetworkConnections);
    }

    /// <summary>A function was refused a connection.</summary>
    public void Refused(string reason, string? function)
    {
        var tags = new TagList { { TelemetryNames.RefusalReason, reason } };
        if (function is not null)
        {
            tags.Add(TelemetryNames.FaasName, function);
        }

        refused.Add(1, tags);
    }

    /// <summary>A connection was opened (1) or closed (-1).</summary>
    public void Connections(int change) => connections.Add(change);

    public void Dispose() => meter.Dispose();
}

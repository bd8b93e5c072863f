using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Telemetry;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Remembers the refusals that the worker counts: the reason and the function's name.</summary>
internal sealed class Refusals : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly List<string> seen = [];

    public Refusals()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == TelemetryNames.NetworkRefused)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            var values = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
            lock (seen)
            {
                seen.Add($"{values[TelemetryNames.RefusalReason]} {values.GetValueOrDefault(TelemetryNames.FaasName)}");
            }
        });
        listener.Start();
    }

    public IReadOnlyList<string> Seen
    {
        get
        {
            lock (seen)
            {
                return [.. seen];
            }
        }
    }

    public void Dispose() => listener.Dispose();
}

using FaasCluster.Contracts.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FaasCluster.Gateway.Telemetry;

/// <summary>OpenTelemetry, only where somebody listens: without an endpoint nothing is collected and a call pays nothing for it.</summary>
internal static class GatewayTelemetry
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // A process may be gateway and worker: whichever comes first adds the exporter, because a second one is refused.
    private const string ExporterAdded = "FaasCluster.OtlpExporter";

    public static void Add(IHostApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration[Endpoint]))
        {
            return;
        }

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("faascluster-gateway"))
            .WithTracing(tracing => tracing.AddSource(TelemetryNames.Source).AddAspNetCoreInstrumentation())
            .WithMetrics(metrics => metrics.AddMeter(TelemetryNames.Source).AddAspNetCoreInstrumentation().AddRuntimeInstrumentation());
        if (builder.Properties.TryAdd(ExporterAdded, true))
        {
            telemetry.UseOtlpExporter();
        }
    }
}

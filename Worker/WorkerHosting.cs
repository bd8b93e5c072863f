using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Messaging;
using FaasCluster.Storage;
using FaasCluster.Worker.Concurrency;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Lanes;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry.Metrics;

namespace FaasCluster.Worker;

/// <summary>Makes a host a worker.</summary>
public static class WorkerHosting
{
    /// <summary>Adds everything that a worker is made of, store and messaging included.</summary>
    public static WebApplicationBuilder AddWorker(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<WorkerOptions>().BindConfiguration("Worker").ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<PriceTable>().BindConfiguration("Prices").ValidateDataAnnotations().ValidateOnStart();
        services.AddStorage(builder.Configuration);
        services.AddMessaging(builder.Configuration);
        services.AddSandboxes(builder.Configuration);
        services.AddSingleton<WorkerMetrics>();
        services.AddSingleton<WorkerPeers>();
        services.AddSingleton<IControlBusHandler<WorkerHeartbeat>>(provider => provider.GetRequiredService<WorkerPeers>());
        services.AddSingleton<RevisionCache>();
        services.AddSingleton<CancelledInvocations>();
        services.AddSingleton<IControlBusHandler<InvocationCancelled>>(provider => provider.GetRequiredService<CancelledInvocations>());
        services.AddSingleton<OnceGuard>();
        services.AddSingleton<Completion>();
        services.AddSingleton<Admission>();
        services.AddSingleton<InvocationExecutor>();
        services.AddSingleton<SlotLeases>();
        services.AddSingleton<IKeepAlivePolicy, FixedKeepAlive>();
        services.AddSingleton<LaneServices>();
        services.AddSingleton<LaneTable>();
        services.AddSingleton<MinimumInstances>();
        services.AddSingleton<IControlBusHandler<FunctionChanged>>(provider => provider.GetRequiredService<MinimumInstances>());
        services.AddSingleton<IControlBusHandler<FunctionChanged>>(provider => provider.GetRequiredService<LaneTable>());
        services.AddSingleton<IControlBusHandler<SlotWanted>>(provider => provider.GetRequiredService<LaneTable>());
        services.AddSingleton<WorkerReadiness>();
        services.AddHostedService<WorkerService>();
        builder.Logging.AddFilter("MassTransit", LogLevel.Warning);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromHours(2));
        services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddMeter(TelemetryNames.Source).AddRuntimeInstrumentation())
            .WithTracing(tracing => tracing.AddSource(TelemetryNames.Source));
        return builder;
    }

    /// <summary>Maps <c>/healthz</c> (the process alone) and <c>/readyz</c> (whether it takes work) of a worker on its own.</summary>
    public static WebApplication MapWorker(this WebApplication app)
    {
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/readyz", (WorkerReadiness readiness) => readiness.Problem is { } problem
            ? Results.Text(problem + "\n", statusCode: StatusCodes.Status503ServiceUnavailable)
            : Results.Text("ready\n"));
        return app;
    }
}

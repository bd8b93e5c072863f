using System.Text;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Bus;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Conservation;
using FaasCluster.Gateway.DeadLetters;
using FaasCluster.Gateway.Delays;
using FaasCluster.Gateway.Dispatches;
using FaasCluster.Gateway.Documents;
using FaasCluster.Gateway.Functions;
using FaasCluster.Gateway.Health;
using FaasCluster.Gateway.Idempotency;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Gateway.Outbox;
using FaasCluster.Gateway.Problems;
using FaasCluster.Gateway.Telemetry;
using FaasCluster.Gateway.Usage;
using FaasCluster.Messaging;
using FaasCluster.Messaging.Hosting;
using FaasCluster.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FaasCluster.Gateway;

/// <summary>Makes a host a gateway.</summary>
public static class GatewayHosting
{
    /// <summary>Adds everything that a gateway is made of, store and messaging included.</summary>
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder)
    {
        InstallationMode.IsCluster(builder.Configuration);
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<GatewayOptions>().BindConfiguration("Gateway").ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<PriceTable>().BindConfiguration("Prices").ValidateDataAnnotations().ValidateOnStart();

        // First, so that they stop last: what is accepted while the others end is still written.
        services.AddStorage(builder.Configuration);
        services.AddMessaging(builder.Configuration);
        AddAccounts(services);
        AddFeatures(services);
        AddServices(services);
        services.AddOpenApi(options => options.AddDocumentTransformer<ApiDocument>());
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default));
        GatewayTelemetry.Add(builder);
        Quieten(builder, "Microsoft.AspNetCore");
        Quieten(builder, "MassTransit");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Whoever reads a body has a limit of its own. With one here Kestrel would count the framing of chunks as well, and reset
            // the connection of a caller that is still sending instead of letting it see the 413.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        });
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"]))
        {
            builder.WebHost.UseUrls("http://127.0.0.1:8080");
        }

        return builder;
    }

    /// <summary>Maps every route of the gateway.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        HealthEndpoints.Map(app);
        FunctionEndpoints.Map(app);
        InvokeEndpoints.Map(app);
        InvocationEndpoints.Map(app);
        DispatchEndpoints.Map(app);
        DeadLetterEndpoints.Map(app);
        ReplayEndpoints.Map(app);
        UsageEndpoints.Map(app);
        DocumentEndpoints.Map(app);
        return app;
    }

    // Lines for each request or endpoint are for those who ask for them.
    private static void Quieten(WebApplicationBuilder builder, string category)
    {
        if (builder.Configuration[$"Logging:LogLevel:{category}"] is null)
        {
            builder.Logging.AddFilter(category, LogLevel.Warning);
        }
    }

    private static void AddAccounts(IServiceCollection services)
    {
        services.AddSingleton<KeyCache>();
        services.AddSingleton<BootstrapKey>();
        services.AddSingleton<IStartupCheck>(provider => provider.GetRequiredService<BootstrapKey>());
        services.AddAuthentication(ApiKeyHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, configureOptions: null);

        // Closed unless it says otherwise: a route that somebody forgets to close must not be open.
        services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    private static void AddFeatures(IServiceCollection services)
    {
        services.AddSingleton<FunctionCache>();
        services.AddSingleton<IControlBusHandler<FunctionChanged>>(provider => provider.GetRequiredService<FunctionCache>());
        services.AddSingleton<FunctionDescriptions>();
        services.AddSingleton<DeployGate>();
        services.AddSingleton<Deployment>();
        services.AddSingleton<FunctionRemoval>();
        services.AddSingleton<WorkerTable>();
        services.AddSingleton<IControlBusHandler<WorkerHeartbeat>>(provider => provider.GetRequiredService<WorkerTable>());
        services.AddSingleton<IControlBusHandler<FunctionWarmed>>(provider => provider.GetRequiredService<WorkerTable>());
        services.AddSingleton<IControlBusHandler<FunctionCooled>>(provider => provider.GetRequiredService<WorkerTable>());
        services.AddSingleton<StatusReader>();
        services.AddSingleton<EndRecords>();
        services.AddSingleton<InFlightCalls>();
        services.AddSingleton<IControlBusHandler<InvocationCancelled>>(provider => provider.GetRequiredService<InFlightCalls>());
        services.AddSingleton<Cancellation>();
        services.AddSingleton<IControlBusHandler<CancellationRequested>>(provider => provider.GetRequiredService<Cancellation>());
        services.AddSingleton<AdmissionGate>();
        services.AddSingleton<InvocationFinder>();
        services.AddSingleton<IdempotencyGate>();
        services.AddSingleton<DelayedInvocations>();
        services.AddSingleton<QueueGauge>();
        services.AddSingleton<Waker>();
        services.AddSingleton<QueueRepair>();
        services.AddSingleton<SynchronousCaller>();
        services.AddSingleton<AsynchronousSubmitter>();
        services.AddSingleton<InvokeEndpoints>();
        services.AddSingleton<Restarts>();
        services.AddSingleton<ConservationMetrics>();
    }

    private static void AddServices(IServiceCollection services)
    {
        services.AddSingleton<StoreStart>();
        services.AddHostedService(provider => provider.GetRequiredService<StoreStart>());
        services.AddSingleton<OutboxRelay>();
        services.AddHostedService(provider => provider.GetRequiredService<OutboxRelay>());
        DispatchServices.Add(services);
        services.AddHostedService<DeadLetterRecorder>();
        services.AddHostedService<WakeSweep>();
        services.AddHostedService<Reconciler>();
        services.AddHostedService<Retention>();
        services.AddHostedService<ConservationMonitor>();
    }
}

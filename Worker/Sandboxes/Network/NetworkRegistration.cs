using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Registers what the networks of sandboxes need.</summary>
internal static class NetworkRegistration
{
    /// <summary>Adds <see cref="NetworkServices"/>; needs configuration and <see cref="SandboxOptions"/>.</summary>
    public static IServiceCollection AddSandboxNetworks(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddMetrics();
        services.TryAddSingleton<IEgressPolicy, EgressPolicy>();
        services.AddSingleton<IValidateOptions<SandboxOptions>, NetworkSettings>();
        services.AddSingleton(provider => new PlatformAddresses(configuration, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<HostAddresses>();
        services.AddSingleton<HostResolver>();
        services.AddSingleton<GatewayEndpoint>();
        services.AddSingleton<NetworkMetrics>();
        services.AddSingleton<NetworkServices>();
        return services;
    }
}

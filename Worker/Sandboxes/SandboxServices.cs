using FaasCluster.Worker.Sandboxes.Isolation;
using FaasCluster.Worker.Sandboxes.Network;
using FaasCluster.Worker.Sandboxes.Provided;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Registers the sandboxes.</summary>
internal static class SandboxServices
{
    /// <summary>
    /// Adds <see cref="ISandboxFactory"/> and <see cref="SandboxStatus"/>. Needs an <c>IPackageStore</c>; no host: nothing is made before
    /// <see cref="ISandboxFactory.WhenReadyAsync"/> is called, and disposing the provider removes everything.
    /// </summary>
    /// <param name="services">Where to add.</param>
    /// <param name="configuration">The root; section "Sandbox" is read.</param>
    public static IServiceCollection AddSandboxes(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SandboxOptions>().Bind(configuration.GetSection("Sandbox")).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<SandboxStatus>();
        services.TryAddSingleton(Defences.All);
        services.AddSandboxNetworks(configuration);
        services.AddSingleton<SandboxHost>();
        services.AddSingleton<RuntimeApiServer>();
        services.AddSingleton<SandboxLoader>();
        services.AddSingleton<ProvidedStarter>();
        services.AddSingleton<ISandboxFactory, SandboxFactory>();
        return services;
    }
}

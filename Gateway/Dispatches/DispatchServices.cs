using FaasCluster.Gateway.Dispatches.Callbacks;
using FaasCluster.Gateway.Dispatches.Queues;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Storage.Dispatches;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>Registers what tells the ends of invocations to others.</summary>
internal static class DispatchServices
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<DispatchOptions>().BindConfiguration("Destinations").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<DispatchOptions>, DispatchOptionsValidator>();
        services.AddSingleton<DestinationCheck>();
        services.AddSingleton<DispatchMetrics>();
        services.AddSingleton<FunctionDispatcher>();
        services.AddSingleton<AddressGuard>();
        services.AddSingleton<CallbackHeader>();
        services.AddSingleton<CallbackClient>();
        services.AddSingleton<CallbackDispatcher>();
        services.AddSingleton<UserBrokers>();
        services.AddSingleton<QueueDispatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<UserBrokers>());
        AddRelay<FunctionDispatcher>(services);
        AddRelay<CallbackDispatcher>(services);
        AddRelay<QueueDispatcher>(services);
    }

    private static void AddRelay<TDispatcher>(IServiceCollection services)
        where TDispatcher : IDispatcher => services.AddSingleton<IHostedService>(provider => new DispatchRelay(
            provider.GetRequiredService<TDispatcher>(),
            provider.GetRequiredService<IDispatchStore>(),
            provider.GetRequiredService<DispatchMetrics>(),
            provider.GetRequiredService<IOptions<DispatchOptions>>(),
            provider.GetRequiredService<StoreStart>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<DispatchRelay>>()));
}

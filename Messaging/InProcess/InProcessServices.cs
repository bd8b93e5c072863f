using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.InProcess;

/// <summary>Registers the broker of the embedded mode.</summary>
internal static class InProcessServices
{
    public static void AddInProcessBroker(this IServiceCollection services)
    {
        services.AddSingleton<InProcessBroker>();
        services.AddSingleton<IInvocationSender>(provider => provider.GetRequiredService<InProcessBroker>());
        services.AddSingleton<IInvocationReceiver>(provider => provider.GetRequiredService<InProcessBroker>());
        services.AddSingleton<IQueueDepths>(provider => provider.GetRequiredService<InProcessBroker>());
        services.AddSingleton<IMessagingHealth>(provider => provider.GetRequiredService<InProcessBroker>());
    }
}

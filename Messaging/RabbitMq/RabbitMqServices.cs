using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.RabbitMq;

/// <summary>Registers the invocation path on RabbitMQ.</summary>
internal static class RabbitMqServices
{
    public static void AddRabbitMq(this IServiceCollection services)
    {
        throw new NotSupportedException();
    }
}

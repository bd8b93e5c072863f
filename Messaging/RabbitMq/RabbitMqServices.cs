using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging.RabbitMq.Calls;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Consuming;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Streaming;
using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.RabbitMq;

/// <summary>Registers the invocation path on RabbitMQ.</summary>
internal static class RabbitMqServices
{
    public static void AddRabbitMq(this IServiceCollection services)
    {
        services.AddSingleton<Topology>();
        services.AddSingleton<BrokerConnections>();
        services.AddSingleton<IMessagingHealth>(provider => provider.GetRequiredService<BrokerConnections>());

        services.AddSingleton<CallTable>();
        services.AddSingleton<WorkerPresence>();
        services.AddSingleton<AnswerSources>();
        services.AddSingleton<AnswerPieces>();
        services.AddSingleton<ReplyQueue>();
        services.AddSingleton<CallWatch>();
        services.AddSingleton<ConfirmedPublisher>();
        services.AddSingleton<WarmQueues>();
        services.AddSingleton<FunctionQueues>();
        services.AddSingleton<IControlBusHandler<FunctionChanged>>(provider => provider.GetRequiredService<FunctionQueues>());
        services.AddSingleton<RabbitMqSender>();
        services.AddSingleton<IInvocationSender>(provider => provider.GetRequiredService<RabbitMqSender>());

        services.AddSingleton<IQueueDepths, QueueDepthReader>();
        services.AddSingleton<AnswerStreams>();
        services.AddSingleton<PresenceQueue>();
        services.AddSingleton<Settlement>();
        services.AddSingleton<IInvocationReceiver, RabbitMqReceiver>();

        services.AddHostedService<RabbitMqService>();
    }
}

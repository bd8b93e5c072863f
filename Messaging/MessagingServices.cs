using FaasCluster.Messaging.ControlBus;
using FaasCluster.Messaging.InProcess;
using FaasCluster.Messaging.RabbitMq;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging;

/// <summary>Registers the invocation path and the control bus.</summary>
public static class MessagingServices
{
    /// <summary>
    /// Adds <see cref="IInvocationSender"/>, <see cref="IInvocationReceiver"/>, <see cref="IQueueDepths"/>, <see cref="IControlBus"/> and
    /// <see cref="IMessagingHealth"/>: on RabbitMQ if <c>ConnectionStrings:RabbitMq</c> is set, else in this process with the
    /// queue in <c>Data:Directory</c>. Call it before adding hosted services that use them: those stop first then. A second call
    /// does nothing.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's configuration; settings stand in its section "Messaging".</param>
    public static IServiceCollection AddMessaging(this IServiceCollection services, IConfiguration configuration)
    {
        if (services.Any(service => service.ServiceType == typeof(IInvocationSender)))
        {
            return services;
        }

        var brokerUri = configuration.GetConnectionString("RabbitMq");
        var onRabbitMq = !string.IsNullOrEmpty(brokerUri);
        var section = configuration.GetSection("Messaging");
        var settings = new ConfigurationBuilder()
            .AddConfiguration(section)
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                // Here and not by the record's default: it must be the same one wherever the options are read.
                [nameof(MessagingOptions.NodeId)] = section[nameof(MessagingOptions.NodeId)] ?? new MessagingOptions().NodeId,
                [nameof(MessagingOptions.BrokerUri)] = onRabbitMq ? brokerUri : null,
                [nameof(MessagingOptions.DataDirectory)] = configuration["Data:Directory"],
            })
            .Build();
        services.AddOptions<MessagingOptions>().Bind(settings).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<MessagingOptions>, MessagingOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        if (onRabbitMq)
        {
            services.AddRabbitMq();
        }
        else
        {
            services.AddInProcessBroker();
        }

        services.AddControlBus(onRabbitMq);
        return services;
    }
}

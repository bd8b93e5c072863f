using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.ControlBus;

/// <summary>Sets MassTransit up: one endpoint for each node, bound to every control message, gone with the node.</summary>
internal static class ControlBusSetup
{
    private static readonly Type[] Consumers =
    [
        typeof(ControlBusConsumer<FunctionChanged>),
        typeof(ControlBusConsumer<FunctionWarmed>),
        typeof(ControlBusConsumer<FunctionCooled>),
        typeof(ControlBusConsumer<WorkerHeartbeat>),
        typeof(ControlBusConsumer<SlotWanted>),
        typeof(ControlBusConsumer<InvocationCancelled>),
        typeof(ControlBusConsumer<CancellationRequested>),
    ];

    public static void AddControlBus(this IServiceCollection services, bool onRabbitMq)
    {
        if (onRabbitMq)
        {
            services.AddHostedService<ControlBusQueue>();
        }

        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.AddConsumers(Consumers);
            if (onRabbitMq)
            {
                bus.UsingRabbitMq(ConfigureRabbitMq);
            }
            else
            {
                bus.UsingInMemory((context, configurator) =>
                    configurator.ReceiveEndpoint(EndpointName(context), endpoint => ConfigureEndpoint(context, endpoint)));
            }
        });
        services.Configure<MassTransitHostOptions>(host =>
        {
            // A node must start while the broker is away.
            host.WaitUntilStarted = false;
            host.StopTimeout = TimeSpan.FromSeconds(5);
        });
        services.AddSingleton<MassTransitControlBus>();
        services.AddSingleton<IControlBus>(provider => provider.GetRequiredService<MassTransitControlBus>());
        services.AddHostedService(provider => provider.GetRequiredService<MassTransitControlBus>());
    }

    private static void ConfigureRabbitMq(IBusRegistrationContext context, IRabbitMqBusFactoryConfigurator configurator)
    {
        var addresses = BrokerAddresses.Parse(Options(context).BrokerUri!).All;
        var address = addresses[0];
        configurator.Host(address.Host, address.Port, address.VirtualHost, $"faas {Options(context).NodeId} bus", host =>
        {
            host.Username(address.User);
            host.Password(address.Password);
            host.PublisherConfirmation = false;
            if (addresses.Count > 1)
            {
                host.UseCluster(cluster =>
                {
                    foreach (var node in addresses)
                    {
                        cluster.Node($"{node.Host}:{node.Port}");
                    }
                });
            }

            if (address.IsEncrypted)
            {
                host.UseSsl(tls => tls.ServerName = address.Host);
            }
        });
        configurator.MessageTopology.SetEntityNameFormatter(new EntityNames());
        ConfigureQueue(configurator, addresses.Count > 1);
        configurator.ReceiveEndpoint(EndpointName(context), endpoint =>
        {
            ConfigureQueue(endpoint, addresses.Count > 1);
            endpoint.PrefetchCount = 64;
            ConfigureEndpoint(context, endpoint);
        });
    }

    // MassTransit makes temporary queues transient, which RabbitMQ 4.3 refuses unless they are exclusive.
    // In a broker of several nodes a durable queue is bound to the one where it was made: while that one is lost it can be neither used
    // nor made elsewhere. An exclusive one goes with the connection.
    private static void ConfigureQueue(IRabbitMqQueueEndpointConfigurator queue, bool severalNodes)
    {
        queue.Durable = !severalNodes;
        queue.Exclusive = severalNodes;
        queue.AutoDelete = true;
        queue.QueueExpiration = ControlBusQueue.Expiration;
    }

    private static void ConfigureEndpoint(IBusRegistrationContext context, IReceiveEndpointConfigurator endpoint)
    {
        // These are hints to one node: an error queue would outlive it and be read by nobody. Failures are logged.
        endpoint.PublishFaults = false;
        endpoint.DiscardFaultedMessages();
        endpoint.DiscardSkippedMessages();
        foreach (var consumer in Consumers)
        {
            endpoint.ConfigureConsumer(context, consumer);
        }
    }

    private static string EndpointName(IRegistrationContext context) => BrokerNames.Bus(Options(context).NodeId);

    private static MessagingOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<MessagingOptions>>().Value;

    /// <summary>"faas.bus.FunctionChanged", not the name of a .NET type with its namespace.</summary>
    private sealed class EntityNames : IEntityNameFormatter
    {
        public string FormatEntityName<T>() => $"{BrokerNames.BusPrefix}{typeof(T).Name}";
    }
}

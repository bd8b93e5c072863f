using FaasCluster.Messaging.RabbitMq.Queues;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>
/// The two connections of a node. A memory alarm blocks a connection that publishes, acknowledgements included: consuming and
/// declaring therefore have one of their own.
/// </summary>
internal sealed class BrokerConnections : IMessagingHealth, IAsyncDisposable
{
    public BrokerConnections(IOptions<MessagingOptions> options, Topology topology, TimeProvider time, ILogger<BrokerConnections> logger)
    {
        var addresses = BrokerAddresses.Parse(options.Value.BrokerUri!);
        Publishing = new BrokerConnection($"faas {options.Value.NodeId} publish", addresses, topology.DeclareAsync, time, logger);
        Consuming = new BrokerConnection($"faas {options.Value.NodeId} consume", addresses, topology.DeclareAsync, time, logger);
    }

    /// <summary>For messages to the broker.</summary>
    public BrokerConnection Publishing { get; }

    /// <summary>For messages from the broker, acknowledgements and declarations.</summary>
    public BrokerConnection Consuming { get; }

    public string? Problem => Publishing.Problem ?? Consuming.Problem;

    public void Start()
    {
        Publishing.Start();
        Consuming.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await Publishing.DisposeAsync();
        await Consuming.DisposeAsync();
    }
}

using RabbitMQ.Client;

namespace FaasCluster.Bench.Broker;

/// <summary>Plain connections with nothing between RabbitMQ.Client and the measurement.</summary>
internal static class BrokerConnection
{
    /// <summary>The arguments of every raw quorum queue.</summary>
    public static readonly Dictionary<string, object?> Quorum = new() { ["x-queue-type"] = "quorum" };

    public static Task<IConnection> OpenAsync(string uri, CancellationToken cancellationToken) =>
        new ConnectionFactory { Uri = new Uri(uri), AutomaticRecoveryEnabled = false }.CreateConnectionAsync(cancellationToken);

    public static Task DeclareQuorumAsync(IChannel channel, string queue, CancellationToken cancellationToken) =>
        channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, Quorum, cancellationToken: cancellationToken);
}

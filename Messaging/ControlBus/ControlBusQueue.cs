using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.ControlBus;

/// <summary>
/// Takes a node's endpoint away when the node stops. The broker would do so only after <see cref="Expiration"/>: that is what keeps
/// hints while a connection is lost and made again, and what is left for a node that died.
/// </summary>
internal sealed class ControlBusQueue(BrokerConnections connections, IOptions<MessagingOptions> options, ILogger<ControlBusQueue> logger) : IHostedService
{
    /// <summary>How long the broker keeps an endpoint that nobody consumes.</summary>
    public static readonly TimeSpan Expiration = TimeSpan.FromMinutes(1);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs after MassTransit has stopped, for it was registered before.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (connections.Consuming.Current is not { } link)
        {
            return;
        }

        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(options.Value.ConfirmTimeout);
            await using var channel = await RabbitMq.Queues.Topology.OpenAsync(link, patience.Token);
            await channel.QueueDeleteAsync(BrokerNames.Bus(options.Value.NodeId), ifUnused: false, ifEmpty: false, cancellationToken: patience.Token);
        }
        catch (Exception exception)
        {
            Log.QueueLeft(logger, BrokerNames.Bus(options.Value.NodeId), Expiration, exception.Message);
        }
    }
}

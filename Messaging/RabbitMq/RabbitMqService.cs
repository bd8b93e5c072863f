using FaasCluster.Messaging.RabbitMq.Calls;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Consuming;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Streaming;
using Microsoft.Extensions.Hosting;

namespace FaasCluster.Messaging.RabbitMq;

/// <summary>Connects with the host's start and lets go with its stop: before those registered earlier, after those registered later.</summary>
internal sealed class RabbitMqService(
    BrokerConnections connections, RabbitMqSender sender, ReplyQueue replies, AnswerSources sources, ConfirmedPublisher confirmed, CallWatch watch, Settlement settlement)
    : IHostedService
{
    /// <summary>A host is ready sooner if its first requests need not wait; one without a broker starts all the same and says so.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        connections.Start();
        confirmed.Start();
        settlement.Start();
        settlement.Answers.Start();
        sender.Start();
        sources.Start();
        replies.Start();
        watch.Start();
        try
        {
            await Task.WhenAll(connections.Publishing.WhenConnectedAsync(cancellationToken), connections.Consuming.WhenConnectedAsync(cancellationToken))
                .WaitAsync(Patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Readiness tells what is wrong.
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await watch.DisposeAsync();
        await replies.DisposeAsync();
        await sender.DisposeAsync();
        await sources.DisposeAsync();
        await settlement.Answers.DisposeAsync();
        await settlement.DisposeAsync();
        await confirmed.DisposeAsync();
        await connections.DisposeAsync();
    }
}

using FaasCluster.Messaging;
using FaasCluster.Messaging.UserBrokers;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches.Queues;

/// <summary>The connections to the users' brokers, kept from start to stop. The gateway starts without them, too.</summary>
internal sealed class UserBrokers(IOptions<DispatchOptions> options, IOptions<MessagingOptions> messaging, TimeProvider time, ILogger<UserBroker> logger)
    : IHostedService, IAsyncDisposable
{
    private readonly Dictionary<string, UserBroker> brokers = options.Value.Connections.ToDictionary(
        connection => connection.Key,
        connection => new UserBroker(connection.Key, connection.Value.Uri, messaging.Value.NodeId, time, logger),
        StringComparer.OrdinalIgnoreCase);

    /// <summary>The connection of this name; null if there is none.</summary>
    public UserBroker? Find(string name) => brokers.GetValueOrDefault(name);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var broker in brokers.Values)
        {
            broker.Start();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var broker in brokers.Values)
        {
            await broker.DisposeAsync();
        }
    }
}

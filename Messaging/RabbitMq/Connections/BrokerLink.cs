using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>One connection while it lives. It is never repaired: its successor is another link.</summary>
internal sealed class BrokerLink
{
    private readonly TaskCompletionSource<ShutdownEventArgs> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? blockedReason;

    public BrokerLink(IConnection connection)
    {
        Connection = connection;
        connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            blockedReason = blocked.Reason;
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            blockedReason = null;
            return Task.CompletedTask;
        };
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            closed.TrySetResult(reason);
            return Task.CompletedTask;
        };
    }

    public IConnection Connection { get; }

    public bool IsOpen => !closed.Task.IsCompleted;

    /// <summary>Ends when the connection is gone.</summary>
    public Task<ShutdownEventArgs> Closed => closed.Task;

    /// <summary>True while the broker takes nothing from this connection, because its memory or disk is short.</summary>
    public bool IsBlocked => blockedReason is not null;

    /// <summary>What the broker said about being short of something; null if it is not.</summary>
    public string? BlockedReason => blockedReason;
}

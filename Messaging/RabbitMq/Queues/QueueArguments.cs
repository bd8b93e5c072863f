using FaasCluster.Contracts.Topology;

namespace FaasCluster.Messaging.RabbitMq.Queues;

/// <summary>
/// The arguments of every queue that outlives a connection. They cannot be changed once a queue is declared: whoever changes
/// one here must give the queue another name.
/// </summary>
internal static class QueueArguments
{
    /// <summary>A function's calls: what no worker took within the spill time goes cold.</summary>
    public static Dictionary<string, object?> Warm(MessagingOptions options) => new()
    {
        ["x-queue-type"] = "classic",
        ["x-message-ttl"] = (long)options.SpillTime.TotalMilliseconds,
        ["x-dead-letter-exchange"] = BrokerNames.Cold,
        // Only a backstop for queues whose last worker died: expiry discards, and by then there is nothing to discard.
        ["x-expires"] = (long)TimeSpan.FromHours(1).TotalMilliseconds,
    };

    /// <summary>
    /// A subscription to a warm queue hears of the queue's deletion even if another worker makes it anew at once: <see cref="Topology"/>
    /// says what RabbitMQ 3.x does otherwise. It takes this for classic queues only; newer ones need it no more.
    /// </summary>
    public static Dictionary<string, object?> WarmSubscription() => new() { ["x-cancel-on-ha-failover"] = true };

    /// <summary>
    /// The shared queue. Nothing in it is promised to anybody, so its dead letters are only counted; the limit is for a call that
    /// kills each worker before it starts, and 4.x would set one anyway.
    /// </summary>
    public static Dictionary<string, object?> Cold() => new()
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = 20,
        ["x-dead-letter-exchange"] = BrokerNames.Dead,
        // A spilled message has lost its own expiration. No caller waits longer than this.
        ["x-message-ttl"] = (long)TimeSpan.FromMinutes(20).TotalMilliseconds,
    };

    /// <summary>A function's asynchronous invocations.</summary>
    public static Dictionary<string, object?> Asynchronous(MessagingOptions options) => new()
    {
        ["x-queue-type"] = "quorum",
        // The broker counts redeliveries, the option deliveries.
        ["x-delivery-limit"] = options.DeliveryLimit - 1,
        ["x-dead-letter-exchange"] = BrokerNames.Dead,
        ["x-dead-letter-strategy"] = "at-least-once",
        // At-least-once dead-lettering needs it, and it is what makes a full queue an answer and not a loss.
        ["x-overflow"] = "reject-publish",
        ["x-max-length"] = options.QueueLength,
    };

    /// <summary>
    /// What reached its delivery limit. It must never drop anything: 4.x would after 20 deliveries if no limit were set, and 3.x
    /// knows no "unlimited".
    /// </summary>
    public static Dictionary<string, object?> Dead() => new()
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = 1_000_000_000,
    };
}

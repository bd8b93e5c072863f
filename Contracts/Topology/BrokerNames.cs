namespace FaasCluster.Contracts.Topology;

/// <summary>
/// Exchanges and queues. Arguments of a queue cannot be changed once it is declared, so the names of those whose
/// arguments may ever change carry a version.
/// </summary>
public static class BrokerNames
{
    /// <summary>Direct exchange for synchronous invocations; what no warm queue is bound for goes to <see cref="Cold"/>.</summary>
    public const string Invoke = "faas.invoke";

    /// <summary>Fanout exchange and quorum queue: cold calls, spilled calls, wakes.</summary>
    public const string Cold = "faas.cold";

    /// <summary>Direct exchange for asynchronous invocations.</summary>
    public const string Async = "faas.async";

    /// <summary>Quorum queue (and fanout exchange) of what reached its delivery limit.</summary>
    public const string Dead = "faas.dead";

    /// <summary>The queue that every warm worker of a function consumes.</summary>
    public static string Warm(Guid functionId) => $"faas.warm.{functionId:N}";

    /// <summary>The durable queue of a function's asynchronous invocations.</summary>
    public static string AsyncQueue(Guid functionId) => $"faas.async.{functionId:N}";

    /// <summary>A gateway's queue of replies; the number makes a new name for every connection.</summary>
    public static string Reply(string gatewayId, int connection) => $"faas.reply.{gatewayId}.{connection}";

    /// <summary>A worker's own queue: presence and cancellation.</summary>
    public static string Worker(string workerId) => $"faas.worker.{workerId}";

    /// <summary>How the exchanges of the control bus's messages begin.</summary>
    public const string BusPrefix = "faas.bus.";

    /// <summary>A node's own endpoint of the control bus.</summary>
    public static string Bus(string nodeId) => $"{BusPrefix}node.{nodeId}";

    /// <summary>The routing key of a function in <see cref="Invoke"/> and <see cref="Async"/>.</summary>
    public static string RoutingKey(Guid functionId) => functionId.ToString("N");
}

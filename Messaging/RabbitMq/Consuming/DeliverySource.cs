namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>Which kind of queue a delivery came from: it decides how the delivery is settled.</summary>
internal enum DeliverySource
{
    /// <summary>The shared queue.</summary>
    Cold,

    /// <summary>A function's calls.</summary>
    Warm,

    /// <summary>A function's asynchronous invocations.</summary>
    Asynchronous,

    /// <summary>What reached its delivery limit.</summary>
    Dead,
}

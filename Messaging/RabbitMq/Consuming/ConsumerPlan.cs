using FaasCluster.Messaging.RabbitMq.Connections;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>How a <see cref="QueueConsumer"/> consumes.</summary>
internal sealed record ConsumerPlan
{
    public required string Queue { get; init; }

    public required DeliverySource Source { get; init; }

    /// <summary>Where deliveries go.</summary>
    public required Func<IDelivery, ValueTask> OnDelivery { get; init; }

    /// <summary>Deliveries that may be unsettled at first; 0 for none.</summary>
    public int Prefetch { get; init; }

    /// <summary>Arguments of the subscription.</summary>
    public IDictionary<string, object?>? Arguments { get; init; }

    /// <summary>Runs on every new channel before it consumes: it sees to it that the queue is there.</summary>
    public Func<LiveChannel, CancellationToken, Task>? Prepare { get; init; }

    /// <summary>Runs after consuming began, and again every <see cref="ConfirmInterval"/>.</summary>
    public Func<LiveChannel, CancellationToken, Task>? Confirm { get; init; }

    public TimeSpan ConfirmInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>AMQP's codes of errors after which it simply tries again, and at which nobody need look.</summary>
    public IReadOnlyList<int> UsualErrors { get; init; } = [];

    /// <summary>
    /// True if there must be a consumer at all times, for without one others may delete the queue: a new prefetch is then taken
    /// before the old one is given up, and for some milliseconds both count.
    /// </summary>
    public bool NeverLeaves { get; init; }
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>Asynchronous deliveries of this node that are not settled yet.</summary>
internal sealed class HeldEvents
{
    private readonly ConcurrentDictionary<RabbitMqDelivery, byte> held = new();

    public void Add(RabbitMqDelivery delivery)
    {
        if (delivery.Message?.Kind == InvocationKind.Asynchronous)
        {
            held[delivery] = 0;
        }
    }

    public void Remove(RabbitMqDelivery delivery) => held.TryRemove(delivery, out _);

    /// <summary>By function. Those of a channel that is gone are the broker's again.</summary>
    public IReadOnlyDictionary<Guid, int> Count()
    {
        var counts = new Dictionary<Guid, int>();
        foreach (var (delivery, _) in held)
        {
            if (delivery.Consumer.Channel.IsOpen)
            {
                counts[delivery.FunctionId] = counts.GetValueOrDefault(delivery.FunctionId) + 1;
            }
            else
            {
                Remove(delivery);
            }
        }

        return counts;
    }
}

using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Lanes;

/// <summary>A delivered invocation that has no slot yet.</summary>
/// <param name="Delivery">The delivery; its message is there.</param>
/// <param name="Message">The invocation.</param>
/// <param name="ArrivedAt">Timestamp of the monotonic clock.</param>
internal sealed record WaitingDelivery(IDelivery Delivery, InvocationMessage Message, long ArrivedAt)
{
    public bool IsSynchronous => Message.Kind == InvocationKind.Synchronous;
}

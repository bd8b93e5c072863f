using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.UserBrokers;
using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Gateway.Dispatches.Queues;

/// <summary>
/// Publishes destination records to the users' brokers, confirmed and mandatory: what no queue took is not delivered. A broker that is down
/// fails its deliveries at once and holds up nobody else's.
/// </summary>
internal sealed class QueueDispatcher(UserBrokers brokers, DestinationCheck connections) : IDispatcher
{
    public DispatchKind Kind => DispatchKind.Queue;

    public async Task<DispatchResult> DeliverAsync(Dispatch dispatch, CancellationToken cancellationToken)
    {
        if (connections.Find(dispatch.AccountId, dispatch.Target) is null || brokers.Find(dispatch.Target) is not { } broker)
        {
            return DispatchResult.Failed(
                $"This gateway has no connection '{dispatch.Target}' for this account; its operator configures Destinations:Connections:{dispatch.Target}:Uri.");
        }

        var problem = await broker.PublishAsync(Message(dispatch), cancellationToken);
        return problem is null ? DispatchResult.Delivered : DispatchResult.Failed(problem);
    }

    private static UserMessage Message(Dispatch dispatch)
    {
        var headers = new Dictionary<string, string>
        {
            [HeaderNames.InvocationId] = dispatch.InvocationId.ToString(),
            [HeaderNames.Function] = dispatch.FunctionName,
            [HeaderNames.Status] = dispatch.Outcome.ToWire(),
        };
        if (dispatch.ErrorCode is { } code)
        {
            headers[HeaderNames.Error] = code.ToWire();
        }

        if (dispatch.TraceParent is { } trace)
        {
            headers["traceparent"] = trace;
        }

        return new UserMessage
        {
            Exchange = dispatch.Exchange,
            RoutingKey = dispatch.RoutingKey,
            MessageId = dispatch.DispatchId,
            CorrelationId = dispatch.InvocationId,
            ContentType = dispatch.ContentType,
            Timestamp = dispatch.CreatedAt,
            Headers = headers,
            Body = dispatch.Body,
        };
    }
}

using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Outbox;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Functions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>
/// Invokes functions with the ends of others. The function is looked up when the record is delivered, so that it may be deployed after
/// the function that names it.
/// </summary>
internal sealed class FunctionDispatcher(IDispatchStore store, IFunctionStore functions, OutboxRelay outbox, IOptions<DispatchOptions> options, TimeProvider time) : IDispatcher
{
    public DispatchKind Kind => DispatchKind.Function;

    public async Task<DispatchResult> DeliverAsync(Dispatch dispatch, CancellationToken cancellationToken)
    {
        var depth = dispatch.Depth + 1;
        if (depth > options.Value.MaximumDepth)
        {
            return DispatchResult.Refused(
                $"The chain of destinations is {dispatch.Depth} long, and {options.Value.MaximumDepth} are allowed (Destinations:MaximumDepth): '{dispatch.Target}' was not invoked. Look for functions that are each other's destinations.");
        }

        if (await functions.FindAsync(dispatch.AccountId, dispatch.Target, cancellationToken) is not { } revision)
        {
            return DispatchResult.Failed($"There is no function '{dispatch.Target}' in this account; deploy it, or change the destination of '{dispatch.FunctionName}'.");
        }

        var now = time.GetUtcNow();
        var message = new InvocationMessage
        {
            InvocationId = dispatch.DispatchId,
            FunctionId = revision.FunctionId,
            Revision = revision.Revision,
            AccountId = dispatch.AccountId,
            Kind = InvocationKind.Asynchronous,
            Trigger = TriggerKind.Destination,
            AcceptedAt = now,
            DueAt = now,
            Deadline = now + revision.Manifest.Retries.MaximumAge,
            TraceParent = dispatch.TraceParent,
            ContentType = dispatch.ContentType,
            Depth = depth,
            CausedBy = dispatch.InvocationId,
            Body = dispatch.Body,
        };
        if (!await store.InvokeAsync(dispatch, message, cancellationToken))
        {
            // If it had ended instead, putting it off changes nothing.
            return DispatchResult.Failed($"The function '{dispatch.Target}' was deleted in this moment; deploy it, or change the destination of '{dispatch.FunctionName}'.");
        }

        outbox.Signal();
        return DispatchResult.Settled;
    }
}

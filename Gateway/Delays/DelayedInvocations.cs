using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Outbox;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Delays;

/// <summary>Accepts invocations that are due later: they wait in the store, and go to their queue when they are due.</summary>
internal sealed class DelayedInvocations(IInvocationStore store, OutboxRelay relay)
{
    /// <summary>Commits the invocation and its message. False if the function is deleted.</summary>
    public async Task<bool> AcceptAsync(FunctionRevision revision, InvocationMessage message)
    {
        // The caller's leaving does not end it: the commit may be done by then.
        if (!await store.AcceptLaterAsync(new AcceptedInvocation { Message = message, FunctionName = revision.Manifest.Name }, CancellationToken.None))
        {
            return false;
        }

        relay.Signal();
        return true;
    }
}

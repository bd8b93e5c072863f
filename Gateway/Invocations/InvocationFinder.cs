using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Billing;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Finds an invocation wherever it is: in the store, on its way there, or in flight on this gateway.</summary>
internal sealed class InvocationFinder(IInvocationStore store, IAcceptedWriter accepted, InFlightCalls inFlight, IOptions<PriceTable> prices)
{
    public async Task<InvocationDescription?> FindAsync(string accountId, Guid id, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(accountId, id, cancellationToken) is { } details)
        {
            return InvocationDescriptions.Describe(details, prices.Value.Currency);
        }

        if ((accepted.FindPending(id) ?? inFlight.Find(id)) is { } waiting)
        {
            return waiting.Message.AccountId == accountId ? InvocationDescriptions.Describe(waiting) : null;
        }

        // It may have reached the store between the two looks.
        return await store.FindAsync(accountId, id, cancellationToken) is { } arrived ? InvocationDescriptions.Describe(arrived, prices.Value.Currency) : null;
    }
}

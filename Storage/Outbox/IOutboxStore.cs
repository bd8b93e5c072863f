using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Outbox;

/// <summary>Everything that is to be published later.</summary>
public interface IOutboxStore
{
    /// <summary>
    /// Takes rows that are due (those locked by another node are passed over), hands each to <paramref name="publish"/>, and
    /// deletes those for which it returned true, in one transaction. What was published and not deleted because the store
    /// went away is published again: receivers tell duplicates by id and attempt.
    /// </summary>
    /// <returns>How many were published, and when the next row is due (null if there is none).</returns>
    Task<(int Published, DateTimeOffset? NextDueAt)> RelayDueAsync(
        int limit, Func<InvocationMessage, CancellationToken, Task<bool>> publish, CancellationToken cancellationToken);
}

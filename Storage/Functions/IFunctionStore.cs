using FaasCluster.Contracts.Functions;

namespace FaasCluster.Storage.Functions;

/// <summary>Functions and their immutable revisions.</summary>
public interface IFunctionStore
{
    /// <summary>
    /// Adds a revision, and the function with its first one. The package must be in the package store. Concurrent deploys
    /// of one function get consecutive numbers.
    /// </summary>
    Task<FunctionRevision> AddRevisionAsync(string accountId, FunctionManifest manifest, string packageSha256, long packageBytes, CancellationToken cancellationToken);

    /// <summary>The current revision by name; null if there is no such function in the account.</summary>
    Task<FunctionRevision?> FindAsync(string accountId, string name, CancellationToken cancellationToken);

    /// <summary>One revision by id; null if it never was. Also answers for deleted functions, so that what still waits can be recorded.</summary>
    Task<FunctionRevision?> FindRevisionAsync(Guid functionId, int revision, CancellationToken cancellationToken);

    /// <summary>The current revision by id; null if the function is not there or deleted.</summary>
    Task<FunctionRevision?> FindCurrentAsync(Guid functionId, CancellationToken cancellationToken);

    /// <summary>Current revisions in the order of their names.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="afterName">Exclusive start; null for the first page.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    Task<IReadOnlyList<FunctionRevision>> ListAsync(string accountId, string? afterName, int limit, CancellationToken cancellationToken);

    /// <summary>Every revision of a function that is there, newest first.</summary>
    Task<IReadOnlyList<FunctionRevision>> ListRevisionsAsync(string accountId, string name, CancellationToken cancellationToken);

    /// <summary>Current revisions, of all accounts, that have sandboxes to be kept loaded (<see cref="FunctionManifest.MinInstances"/>).</summary>
    Task<IReadOnlyList<FunctionRevision>> ListKeptLoadedAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Marks a function as deleted, so that its name is free again. Its revisions stay until nothing refers to them.
    /// </summary>
    /// <returns>The function's id, or null if there is no such function in the account.</returns>
    Task<Guid?> DeleteAsync(string accountId, string name, CancellationToken cancellationToken);

    /// <summary>
    /// Functions deleted at or after the given time, oldest first: a node that starts takes their queues away again, in case
    /// the one that deleted them did not get that far.
    /// </summary>
    Task<IReadOnlyList<Guid>> ListDeletedAsync(DateTimeOffset since, int limit, CancellationToken cancellationToken);

    /// <summary>The ids of functions that are not deleted, of all accounts, in their order, behind the given one.</summary>
    Task<IReadOnlyList<Guid>> ListIdsAsync(Guid after, int limit, CancellationToken cancellationToken);

    /// <summary>Functions that have open invocations, due before the given time: those the wake sweep looks after unless they are warm.</summary>
    Task<IReadOnlyList<Guid>> ListWaitingAsync(DateTimeOffset queuedBefore, int limit, CancellationToken cancellationToken);
}

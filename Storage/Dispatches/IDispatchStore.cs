using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Dispatches;

/// <summary>What ends of invocations are still to be told, and what became of it.</summary>
public interface IDispatchStore
{
    /// <summary>
    /// Takes what is due for the time of the lease: nobody else gets it meanwhile, and whoever dies loses it to the next. Counts
    /// as an attempt.
    /// </summary>
    Task<IReadOnlyList<Dispatch>> ClaimDueAsync(DispatchKind kind, int limit, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>It has arrived. Its document is dropped.</summary>
    Task DeliveredAsync(Dispatch dispatch, CancellationToken cancellationToken);

    /// <summary>It did not arrive and is tried again.</summary>
    Task PutOffAsync(Dispatch dispatch, DateTimeOffset dueAt, string error, CancellationToken cancellationToken);

    /// <summary>It did not arrive and never will. Its document is kept, so that it can be seen.</summary>
    Task GiveUpAsync(Dispatch dispatch, string error, CancellationToken cancellationToken);

    /// <summary>
    /// Delivers to a function: the invocation's row, its outbox row and the end of the dispatch in one transaction, so that there is
    /// one invocation however often this is tried.
    /// </summary>
    /// <returns>False if the dispatch had ended already or the function is deleted: nothing was changed.</returns>
    Task<bool> InvokeAsync(Dispatch dispatch, InvocationMessage message, CancellationToken cancellationToken);

    /// <summary>Tries one again that was given up.</summary>
    /// <returns>False if it is not dead, or not there.</returns>
    Task<bool> ResendAsync(string accountId, Guid invocationId, DispatchKind kind, CancellationToken cancellationToken);

    /// <summary>Dispatches of an account, those of the newest invocations first; without their documents.</summary>
    Task<IReadOnlyList<Dispatch>> ListAsync(DispatchFilter filter, CancellationToken cancellationToken);
}

/// <summary>What to list.</summary>
public sealed record DispatchFilter
{
    /// <summary>The account.</summary>
    public required string AccountId { get; init; }

    /// <summary>Only in this state; null for all.</summary>
    public DispatchState? State { get; init; }

    /// <summary>Only after invocations of this function; null for all.</summary>
    public string? FunctionName { get; init; }

    /// <summary>Continue after this one; null for the first page.</summary>
    public (Guid InvocationId, DispatchKind Kind)? After { get; init; }

    /// <summary>Most rows, 1 to 1,001.</summary>
    public int Limit { get; init; } = 50;
}

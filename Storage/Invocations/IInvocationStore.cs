using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Invocations;

/// <summary>Invocations, their attempts and bills.</summary>
public interface IInvocationStore
{
    /// <summary>Writes the rows of accepted invocations; those that are there already (also with an end) stay as they are.</summary>
    Task AcceptAsync(IReadOnlyList<AcceptedInvocation> batch, CancellationToken cancellationToken);

    /// <summary>
    /// Accepts an invocation that is due later: its row, and its first attempt in the outbox, in one transaction. Nothing if it is there
    /// already.
    /// </summary>
    /// <returns>False if the function is deleted: nothing is written then.</returns>
    Task<bool> AcceptLaterAsync(AcceptedInvocation accepted, CancellationToken cancellationToken);

    /// <summary>
    /// Commits a batch of attempts in one transaction: results, bills and outbox rows. A batch that fails for what is in it
    /// is bisected, so that one bad record fails alone.
    /// </summary>
    /// <returns>One outcome for each record, in the order given.</returns>
    /// <exception cref="StoreUnavailableException">Nothing is known to be committed; record the same batch again.</exception>
    Task<IReadOnlyList<RecordOutcome>> RecordAsync(IReadOnlyList<AttemptRecord> batch, CancellationToken cancellationToken);

    /// <summary>
    /// What is recorded of one attempt: asked for redelivered messages before they run. Queued: a later attempt is on its
    /// way. Null: nothing is recorded, it may run.
    /// </summary>
    Task<InvocationState?> FindOutcomeAsync(Guid invocationId, int attempt, CancellationToken cancellationToken);

    /// <summary>Commits a start mark for a redelivered attempt and turns its invocation to running unless it has ended.</summary>
    /// <returns>How many start marks the attempt has now.</returns>
    Task<int> MarkStartedAsync(InvocationMessage message, string functionName, string workerId, CancellationToken cancellationToken);

    /// <summary>
    /// Commits the start of an attempt that must not run twice: once for each attempt, whoever asks. Asked again with the same worker
    /// and time (a commit of which nobody knows whether it went through) the answer is the same.
    /// </summary>
    Task<StartOutcome> StartOnceAsync(InvocationMessage message, string functionName, string workerId, DateTimeOffset startedAt, CancellationToken cancellationToken);

    /// <summary>How many start marks an attempt has; 0 if none. Tells a poison from its neighbours in the prefetch.</summary>
    Task<int> CountStartsAsync(Guid invocationId, int attempt, CancellationToken cancellationToken);

    /// <summary>One invocation of the account, or null.</summary>
    Task<InvocationDetails?> FindAsync(string accountId, Guid invocationId, CancellationToken cancellationToken);

    /// <summary>Invocations of an account, newest first.</summary>
    Task<IReadOnlyList<InvocationSummary>> ListAsync(InvocationFilter filter, CancellationToken cancellationToken);

    /// <summary>Invocations of a function that wait in the outbox, for their time or for their next attempt: nobody else has their message.</summary>
    Task<IReadOnlyList<InvocationSummary>> ListInOutboxAsync(Guid functionId, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Ends waiting rows whose deadline passed before the given time and that no outbox row will bring back: the
    /// reconciler's sweep. Returns how many it ended (as expired, with a bill of zero).
    /// </summary>
    Task<int> ExpireAsync(DateTimeOffset deadlineBefore, int limit, string workerId, CancellationToken cancellationToken);

    /// <summary>
    /// Counts asynchronous invocations that have not ended: the store's side of conservation, to be compared with what the broker holds.
    /// </summary>
    /// <param name="dueBefore">Only of those that were due by then it is said for which functions they are.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<OpenCounts> CountOpenAsync(DateTimeOffset dueBefore, CancellationToken cancellationToken);

    /// <summary>Counts by state, non-terminal ones only, and outbox rows: one side of the conservation equation.</summary>
    Task<WaitingCounts> CountWaitingAsync(CancellationToken cancellationToken);
}

/// <summary>Whether an attempt that must not run twice may run.</summary>
public enum StartOutcome
{
    /// <summary>Its start is committed: whoever asked runs it, nobody else does.</summary>
    Started,

    /// <summary>Somebody else started it and has recorded no end.</summary>
    StartedBefore,

    /// <summary>Its end, or that of its invocation, is recorded.</summary>
    Ended,
}

/// <summary>What has not ended.</summary>
/// <param name="Queued">Rows in state queued.</param>
/// <param name="Running">Rows in state running.</param>
/// <param name="Outbox">Invocations in the outbox.</param>
public sealed record WaitingCounts(long Queued, long Running, long Outbox);

/// <summary>Asynchronous invocations that have not ended.</summary>
/// <param name="Open">All of them.</param>
/// <param name="Outbox">Those that wait in the outbox.</param>
/// <param name="Due">By function, those that were due by the given time and are not in the outbox: a message of each must be in the broker.</param>
public sealed record OpenCounts(long Open, long Outbox, IReadOnlyDictionary<Guid, long> Due);

/// <summary>The store cannot be reached or gave up on a transaction; what was asked for may be asked again.</summary>
public sealed class StoreUnavailableException : Exception
{
    /// <summary>Makes the exception.</summary>
    public StoreUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

namespace FaasCluster.Storage.Invocations;

/// <summary>
/// Commits attempts in groups: a batch is flushed whenever the previous commit returns, so that a lone attempt pays one
/// round trip and a flood shares one. While the store is away it keeps trying.
/// </summary>
public interface ICompletionWriter
{
    /// <summary>
    /// Returns when the record is committed (or known to be a duplicate). Waits while the buffer is full. A cancelled token
    /// ends the wait only: the record is still written.
    /// </summary>
    Task<RecordOutcome> WriteAsync(AttemptRecord record, CancellationToken cancellationToken);

    /// <summary>True while the buffer is full or the store is away: take no new work.</summary>
    bool IsSaturated { get; }

    /// <summary>Returns when everything handed in so far is committed.</summary>
    Task FlushAsync(CancellationToken cancellationToken);
}

/// <summary>Writes the rows of accepted invocations in groups, behind the 202.</summary>
public interface IAcceptedWriter
{
    /// <summary>Hands a row over; returns when it is in the buffer.</summary>
    ValueTask AddAsync(AcceptedInvocation accepted, CancellationToken cancellationToken);

    /// <summary>The row, if it was handed over and is not committed yet.</summary>
    AcceptedInvocation? FindPending(Guid invocationId);

    /// <summary>Returns when everything handed over so far is committed.</summary>
    Task FlushAsync(CancellationToken cancellationToken);
}

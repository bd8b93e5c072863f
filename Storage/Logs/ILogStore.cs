namespace FaasCluster.Storage.Logs;

/// <summary>One line that a function printed.</summary>
public sealed record LogLine
{
    /// <summary>The invocation in which it was printed.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>The attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The account.</summary>
    public required string AccountId { get; init; }

    /// <summary>Order within the attempt, from 0.</summary>
    public required int Sequence { get; init; }

    /// <summary>When it was printed, by the worker's clock.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>"stdout", "stderr", or "platform" for what FaasCluster says about the invocation.</summary>
    public required string Stream { get; init; }

    /// <summary>The line without its end; invalid UTF-8 is replaced, NUL too.</summary>
    public required string Text { get; init; }
}

/// <summary>What functions printed.</summary>
public interface ILogStore
{
    /// <summary>Writes lines in one statement; those that are there stay as they are.</summary>
    Task AppendAsync(IReadOnlyList<LogLine> lines, CancellationToken cancellationToken);

    /// <summary>Lines of one invocation of the account, in order.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="invocationId">The invocation.</param>
    /// <param name="after">Exclusive start as (attempt, sequence); null for the first page.</param>
    /// <param name="limit">1 to 10,000.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    Task<IReadOnlyList<LogLine>> ReadAsync(string accountId, Guid invocationId, (int Attempt, int Sequence)? after, int limit, CancellationToken cancellationToken);
}

/// <summary>Writes lines in groups behind the results; drops and counts when its buffer is full.</summary>
public interface ILogWriter
{
    /// <summary>Hands lines over; false if the buffer is full and they were dropped.</summary>
    bool TryAdd(IReadOnlyList<LogLine> lines);

    /// <summary>Returns when everything handed over so far is written.</summary>
    Task FlushAsync(CancellationToken cancellationToken);
}

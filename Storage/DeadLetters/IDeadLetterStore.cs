namespace FaasCluster.Storage.DeadLetters;

/// <summary>What ended other than well, until somebody deals with it. Letters are made by recording the end, in its transaction.</summary>
public interface IDeadLetterStore
{
    /// <summary>One letter of the account, or null.</summary>
    Task<DeadLetter?> FindAsync(string accountId, Guid invocationId, CancellationToken cancellationToken);

    /// <summary>How many are open, of all accounts together.</summary>
    Task<long> CountOpenAsync(CancellationToken cancellationToken);

    /// <summary>Letters of an account, newest invocation first.</summary>
    Task<IReadOnlyList<DeadLetter>> ListAsync(DeadLetterFilter filter, CancellationToken cancellationToken);

    /// <summary>
    /// Makes new invocations of open letters, in one transaction: the letter, the new row and the outbox row of the first attempt.
    /// Letters that are not open, have no event, or whose function is deleted stay as they are; so whoever asks, and how often, of
    /// one letter comes one invocation.
    /// </summary>
    /// <returns>The letters (by their old ids) of which new invocations were made.</returns>
    Task<IReadOnlySet<Guid>> RedriveAsync(IReadOnlyList<Restart> restarts, CancellationToken cancellationToken);

    /// <summary>Gives open letters up.</summary>
    /// <returns>Those that were open.</returns>
    Task<IReadOnlySet<Guid>> DiscardAsync(string accountId, IReadOnlyList<Guid> invocationIds, CancellationToken cancellationToken);
}

/// <summary>The events of ended asynchronous invocations.</summary>
public interface IEventStore
{
    /// <summary>The event of an invocation with its body, wherever that lies; null if it is not kept.</summary>
    Task<KeptEvent?> FindAsync(string accountId, Guid invocationId, CancellationToken cancellationToken);

    /// <summary>The messages of those invocations of which the event is kept, without bodies.</summary>
    Task<IReadOnlyDictionary<Guid, Contracts.Invocations.InvocationMessage>> FindMessagesAsync(
        string accountId, IReadOnlyList<Guid> invocationIds, CancellationToken cancellationToken);

    /// <summary>Makes a new invocation of an ended one: its row and the outbox row of its first attempt in one transaction.</summary>
    /// <returns>False if the event is not kept or the function is deleted.</returns>
    Task<bool> ReplayAsync(Restart restart, CancellationToken cancellationToken);
}

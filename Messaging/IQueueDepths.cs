namespace FaasCluster.Messaging;

/// <summary>How much lies in the queues: the broker's side of the conservation of invocations.</summary>
public interface IQueueDepths
{
    /// <summary>Counts what lies ready, that is, in no consumer's hands.</summary>
    /// <param name="functionIds">The functions to ask about.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MessagingUnavailableException">The broker cannot be reached.</exception>
    Task<QueueDepths> ReadAsync(IReadOnlyCollection<Guid> functionIds, CancellationToken cancellationToken);
}

/// <summary>What lies ready in the queues.</summary>
/// <param name="Ready">Asynchronous invocations by function; a function without a queue has none.</param>
/// <param name="Dead">Those of all functions that reached their delivery limit.</param>
public sealed record QueueDepths(IReadOnlyDictionary<Guid, long> Ready, long Dead);

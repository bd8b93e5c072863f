using System.Collections.Concurrent;
using FaasCluster.Contracts.Functions;
using FaasCluster.Gateway.Functions;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;

namespace FaasCluster.Gateway.Invocations;

/// <summary>What a refused message says about its function's queue.</summary>
internal enum QueueState
{
    /// <summary>The broker is away, or the queue was made again a moment ago.</summary>
    Unknown,

    /// <summary>The function is there, and its queue is being made again.</summary>
    Repairing,

    /// <summary>There is no queue because there is no function any more.</summary>
    FunctionDeleted,
}

/// <summary>
/// Makes the queue of a function again that an operator deleted, or that a deployment did not get to make. Meanwhile callers get 503.
/// </summary>
internal sealed class QueueRepair(
    IFunctionStore functions,
    IInvocationSender sender,
    IMessagingHealth health,
    FunctionCache cache,
    FunctionRemoval removal,
    TimeProvider time,
    ILogger<QueueRepair> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<Guid, long> triedAt = new();

    public async Task<QueueState> TryAsync(FunctionRevision revision, CancellationToken cancellationToken)
    {
        if (health.Problem is not null)
        {
            return QueueState.Unknown;
        }

        if (await functions.FindCurrentAsync(revision.FunctionId, cancellationToken) is null)
        {
            cache.Forget(revision.AccountId, revision.Manifest.Name);

            // Whoever healed the queue on the way did not know either.
            _ = removal.RemoveAsync(revision.FunctionId);
            return QueueState.FunctionDeleted;
        }

        var now = time.GetTimestamp();
        var claimed = triedAt.TryGetValue(revision.FunctionId, out var before)
            ? time.GetElapsedTime(before, now) >= Pause && triedAt.TryUpdate(revision.FunctionId, now, before)
            : triedAt.TryAdd(revision.FunctionId, now);
        if (!claimed)
        {
            return QueueState.Unknown;
        }

        _ = DeclareAsync(revision);
        return QueueState.Repairing;
    }

    private async Task DeclareAsync(FunctionRevision revision)
    {
        try
        {
            await sender.DeclareFunctionAsync(revision.FunctionId, CancellationToken.None);
            Log.QueueRepaired(logger, revision.Manifest.Name);
        }
        catch (Exception exception)
        {
            // The next refused message tries again.
            Log.QueueRepairFailed(logger, revision.Manifest.Name, exception.Message);
        }
    }
}

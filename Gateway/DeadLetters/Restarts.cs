using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Conservation;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Outbox;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.DeadLetters;

/// <summary>Makes new invocations of ended ones: re-drives of dead letters, and replays.</summary>
internal sealed class Restarts(
    IDeadLetterStore letters, IEventStore events, IFunctionStore functions, OutboxRelay relay, Waker waker, ConservationMetrics metrics, TimeProvider time)
{
    /// <summary>
    /// Re-drives open letters of one account. Whoever else does so at the same time: of each letter comes one invocation.
    /// </summary>
    /// <param name="accountId">The account.</param>
    /// <param name="open">Letters that were open a moment ago.</param>
    /// <param name="revision">What to run with; null for the current revision: a letter is re-driven after a repair.</param>
    /// <param name="traceParent">The trace of whoever asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<RedriveOutcome> RedriveAsync(
        string accountId, IReadOnlyList<DeadLetter> open, int? revision, string traceParent, CancellationToken cancellationToken)
    {
        var messages = await events.FindMessagesAsync(accountId, [.. open.Select(letter => letter.Invocation.InvocationId)], cancellationToken);
        var targets = new Dictionary<Guid, Target>();
        var restarts = new List<Restart>();
        var refused = new Dictionary<Guid, string>();
        foreach (var letter in open)
        {
            var old = letter.Invocation;
            if (!targets.TryGetValue(old.FunctionId, out var target))
            {
                targets[old.FunctionId] = target = await FindTargetAsync(old, revision, ofOld: false, cancellationToken);
            }

            if (target.Revision is not { } found)
            {
                refused[old.InvocationId] = target.Refusal!;
            }
            else if (messages.TryGetValue(old.InvocationId, out var message))
            {
                restarts.Add(Make(message, found, traceParent, message.SuppressDestinations));
            }
            else
            {
                refused[old.InvocationId] = "Its event is not there: the platform ended the invocation without having its message.";
            }
        }

        var started = await letters.RedriveAsync(restarts, cancellationToken);
        Publish(restarts.Where(restart => started.Contains(restart.Of)));
        return new RedriveOutcome
        {
            Started = restarts.Where(restart => started.Contains(restart.Of)).ToDictionary(restart => restart.Of, restart => restart.Message.InvocationId),
            Refused = refused,
        };
    }

    /// <summary>Makes a new invocation of an ended asynchronous one.</summary>
    /// <param name="old">The ended one.</param>
    /// <param name="revision">What to run with; null for the revision that it ran with: a replay shows the same again.</param>
    /// <param name="suppressDestinations">True if no destination is to hear of it.</param>
    /// <param name="traceParent">The trace of whoever asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The new invocation, or why there is none.</returns>
    public async Task<(Guid? Id, string? Refusal)> ReplayAsync(
        InvocationSummary old, int? revision, bool suppressDestinations, string traceParent, CancellationToken cancellationToken)
    {
        var target = await FindTargetAsync(old, revision, ofOld: true, cancellationToken);
        if (target.Revision is not { } found)
        {
            return (null, target.Refusal);
        }

        var messages = await events.FindMessagesAsync(old.AccountId, [old.InvocationId], cancellationToken);
        if (messages.TryGetValue(old.InvocationId, out var message))
        {
            var restart = Make(message, found, traceParent, suppressDestinations);
            if (await events.ReplayAsync(restart, cancellationToken))
            {
                Publish([restart]);
                return (restart.Message.InvocationId, null);
            }
        }

        return (null, $"The event of invocation {old.InvocationId} is not kept: it was cancelled before it ran, or it succeeded and its event is larger than 64 KiB, or function.yaml says 'keepEvents: failures'.");
    }

    private Restart Make(InvocationMessage old, FunctionRevision target, string traceParent, bool suppressDestinations)
    {
        var now = time.GetUtcNow();
        return new Restart
        {
            Of = old.InvocationId,
            FunctionName = target.Manifest.Name,
            Message = old with
            {
                InvocationId = Guid.CreateVersion7(now),
                Revision = target.Revision,
                Attempt = 1,
                AcceptedAt = now,
                DueAt = now,
                Deadline = now + target.Manifest.Retries.MaximumAge,
                TraceParent = traceParent,
                SuppressDestinations = suppressDestinations,
            },
        };
    }

    private async Task<Target> FindTargetAsync(InvocationSummary old, int? revision, bool ofOld, CancellationToken cancellationToken)
    {
        if (await functions.FindCurrentAsync(old.FunctionId, cancellationToken) is not { } current)
        {
            return new Target(null, $"Function '{old.FunctionName}' was deleted, and with it where this could run; a function that was deployed under its name later is another one.");
        }

        var wanted = revision ?? (ofOld ? old.Revision : current.Revision);
        var found = wanted == current.Revision ? current : await functions.FindRevisionAsync(old.FunctionId, wanted, cancellationToken);
        return new Target(found, $"Function '{old.FunctionName}' has no revision {wanted}; the newest is {current.Revision}.");
    }

    // The rows are committed. This only saves the wait for the relay's next look.
    private void Publish(IEnumerable<Restart> started)
    {
        foreach (var group in started.GroupBy(restart => restart.Message.FunctionId))
        {
            metrics.Accepted(group.First().FunctionName, group.Count());
            relay.Signal();
            waker.WakeIfCold(group.Key);
        }
    }

    private sealed record Target(FunctionRevision? Revision, string? Refusal);
}

/// <summary>What became of letters that were to be re-driven. In neither table: somebody else settled the letter first.</summary>
internal sealed record RedriveOutcome
{
    /// <summary>New invocations by letter.</summary>
    public required IReadOnlyDictionary<Guid, Guid> Started { get; init; }

    /// <summary>Why letters stay open.</summary>
    public required IReadOnlyDictionary<Guid, string> Refused { get; init; }
}

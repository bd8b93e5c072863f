using FaasCluster.Contracts;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Messaging.Hosting;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Invocations;

/// <summary>
/// Cancels invocations: certain in the record, whose attempt that is open is recorded as cancelled and free of charge, together
/// with the removal of what was to be published later. Workers and waiting callers hear of it afterwards.
/// </summary>
internal sealed class Cancellation(
    IInvocationStore store,
    IAcceptedWriter accepted,
    InFlightCalls inFlight,
    EndRecords records,
    IControlBus bus,
    IConfiguration configuration,
    TimeProvider time) : IControlBusHandler<CancellationRequested>
{
    private const int Rounds = 100;

    // The longest that a synchronous call can be in flight: wait, init and run at their limits, and what answering may take.
    private static readonly TimeSpan LongestCall = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan OthersPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(25);

    private readonly bool hasPeers = InstallationMode.IsCluster(configuration);

    /// <summary>Cancels an invocation of the account unless it has ended.</summary>
    /// <returns>The state that it has now: cancelled, or another end; null if there is no such invocation.</returns>
    public async Task<InvocationState?> CancelAsync(string accountId, Guid id, CancellationToken cancellationToken)
    {
        long? askedAt = null;
        while (true)
        {
            if (await CancelKnownAsync(accountId, id, cancellationToken) is { } state)
            {
                return state;
            }

            // Only the gateway that accepted it knows of a synchronous call in flight.
            if (!hasPeers || !CanBeInFlight(id) || (askedAt is { } at && time.GetElapsedTime(at) >= OthersPatience))
            {
                return null;
            }

            if (askedAt is null)
            {
                askedAt = time.GetTimestamp();
                await bus.PublishAsync(new CancellationRequested { InvocationId = id, AccountId = accountId }, cancellationToken);
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    public async Task HandleAsync(CancellationRequested message, CancellationToken cancellationToken)
    {
        if (FindHere(message.AccountId, message.InvocationId) is not null)
        {
            await CancelKnownAsync(message.AccountId, message.InvocationId, cancellationToken);
        }
    }

    /// <summary>Null if neither the store nor this gateway knows it.</summary>
    private async Task<InvocationState?> CancelKnownAsync(string accountId, Guid id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            // First here, then there: a row on its way from here to the store would be missed in the other order.
            var here = FindHere(accountId, id);
            var row = (await store.FindAsync(accountId, id, cancellationToken))?.Summary;
            if (row?.State.IsTerminal() == true)
            {
                return row.State;
            }

            if ((row is null ? here?.Message : InvocationMessages.Of(row)) is not { } message)
            {
                return null;
            }

            // A duplicate: an attempt was recorded between the look and this. What is there now is looked at again.
            if (await RecordAsync(message, row?.FunctionName ?? here!.FunctionName, cancellationToken) == RecordOutcome.Recorded)
            {
                inFlight.Cancel(id);
                await bus.PublishAsync(new InvocationCancelled { InvocationId = id }, CancellationToken.None);
                return InvocationState.Cancelled;
            }
        }

        throw new InvalidOperationException($"Invocation {id} could not be cancelled: its record changed {Rounds} times in a row.");
    }

    // Past the group writer: a store that is away is told to whoever cancels, and nothing is left behind that cancels later.
    private async Task<RecordOutcome> RecordAsync(InvocationMessage message, string functionName, CancellationToken cancellationToken)
    {
        // Its event is in the queue, the message here is made of the row.
        var record = records.Make(message, functionName, 0, InvocationState.Cancelled, ErrorCode.Cancelled, "The invocation was cancelled by its account.") with { HasEvent = false };
        return (await store.RecordAsync([record], cancellationToken))[0];
    }

    private AcceptedInvocation? FindHere(string accountId, Guid id) =>
        (accepted.FindPending(id) ?? inFlight.Find(id)) is { } found && found.Message.AccountId == accountId ? found : null;

    private bool CanBeInFlight(Guid id) => id.Version == 7 && (time.GetUtcNow() - Uuid7.TimeOf(id)).Duration() <= LongestCall;
}

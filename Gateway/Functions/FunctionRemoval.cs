using System.Collections.Concurrent;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Functions;

/// <summary>
/// What follows the deletion of a function in the store: its queues go, and what waits ends as cancelled. Every step may be
/// repeated, and is, until it succeeded.
/// </summary>
internal sealed class FunctionRemoval(
    IFunctionStore functions,
    IInvocationStore invocations,
    IInvocationSender sender,
    ICompletionWriter completions,
    EndRecords records,
    IOptions<GatewayOptions> options,
    TimeProvider time,
    ILogger<FunctionRemoval> logger)
{
    private const string Reason = "The function was deleted while the invocation waited.";
    private const int PageSize = 500;
    private const int RecentLimit = 1000;
    private static readonly TimeSpan RecentTime = TimeSpan.FromHours(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<Guid, Task> removing = new();
    private readonly ConcurrentDictionary<Guid, byte> unfinished = new();
    private readonly ConcurrentDictionary<Guid, long> foundAt = new();

    /// <summary>
    /// Takes the queues of a deleted function away and ends what waits in them. Returns after a few seconds at the latest: what is left
    /// then, because there is much or because a server is away, is done in the background.
    /// </summary>
    public async Task RemoveAsync(Guid functionId)
    {
        unfinished[functionId] = 0;
        var removal = removing.GetOrAdd(functionId, StartAsync);
        await Task.WhenAny(removal, Task.Delay(Patience, time));
    }

    /// <summary>Tries again what <see cref="RemoveAsync"/> could not finish.</summary>
    public async Task RetryAsync()
    {
        foreach (var functionId in unfinished.Keys)
        {
            await RemoveAsync(functionId);
        }
    }

    /// <summary>
    /// Takes the queues of lately deleted functions away again, in case the gateway that deleted them did not get that far:
    /// from the store alone nobody sees a queue that was left.
    /// </summary>
    public async Task ResumeRecentAsync(CancellationToken cancellationToken)
    {
        foreach (var functionId in await functions.ListDeletedAsync(time.GetUtcNow() - RecentTime, RecentLimit, cancellationToken))
        {
            await RemoveAsync(functionId);
        }
    }

    /// <summary>
    /// Goes on with a deletion that another gateway began and did not finish: rows of the function still wait. First the queues; rows
    /// that have no message any more are ended after the longest run that may be going on.
    /// </summary>
    public async Task ResumeAsync(Guid functionId, CancellationToken cancellationToken)
    {
        if (foundAt.TryAdd(functionId, time.GetTimestamp()))
        {
            await RemoveAsync(functionId);
            return;
        }

        if (await functions.FindRevisionAsync(functionId, 1, cancellationToken) is not { } first)
        {
            return;
        }

        var longest = first.Manifest.InitTimeout + first.Manifest.Timeout + options.Value.RemovalMargin;
        if (!unfinished.ContainsKey(functionId) && time.GetElapsedTime(foundAt[functionId]) >= longest)
        {
            await CancelRowsAsync(first, cancellationToken);
            foundAt.TryRemove(functionId, out _);
        }
    }

    // Yields first, so that the task is in the table before it ends and takes itself out.
    private async Task StartAsync(Guid functionId)
    {
        await Task.Yield();
        try
        {
            await sender.DeleteFunctionAsync(functionId, CancelAsync, CancellationToken.None);
            await CancelInOutboxAsync(functionId, CancellationToken.None);
            unfinished.TryRemove(functionId, out _);
        }
        catch (Exception exception)
        {
            // The broker or the store is away; the sweep tries again.
            Log.RemovalPostponed(logger, functionId, exception.Message);
        }
        finally
        {
            removing.TryRemove(functionId, out _);
        }
    }

    private async Task CancelAsync(InvocationMessage message, CancellationToken cancellationToken)
    {
        var record = await records.MakeAsync(message, InvocationState.Cancelled, ErrorCode.FunctionDeleted, Reason, cancellationToken);
        await completions.WriteAsync(record, cancellationToken);
    }

    // What waits for its time may wait for days; nobody else has it. Whatever the relay publishes meanwhile finds no queue.
    private async Task CancelInOutboxAsync(Guid functionId, CancellationToken cancellationToken)
    {
        Guid? last = null;
        while (true)
        {
            var page = await invocations.ListInOutboxAsync(functionId, PageSize, cancellationToken);
            await Task.WhenAll(page.Select(row => CancelAsync(InvocationMessages.Of(row), cancellationToken)));
            if (page.Count < PageSize || page[0].InvocationId == last)
            {
                return;
            }

            last = page[0].InvocationId;
        }
    }

    private async Task CancelRowsAsync(FunctionRevision function, CancellationToken cancellationToken)
    {
        var filter = new InvocationFilter
        {
            AccountId = function.AccountId,
            FunctionName = function.Manifest.Name,
            State = InvocationState.Queued,
            Limit = PageSize,
        };
        IReadOnlyList<InvocationSummary> page;
        do
        {
            page = await invocations.ListAsync(filter, cancellationToken);

            // A new function may have the same name.
            var waiting = page.Where(row => row.FunctionId == function.FunctionId && row.Kind == InvocationKind.Asynchronous);
            await Task.WhenAll(waiting.Select(row => CancelAsync(InvocationMessages.Of(row), cancellationToken)));
            filter = filter with { Before = page.Count == 0 ? null : page[^1].InvocationId };
        }
        while (page.Count == PageSize);
    }
}

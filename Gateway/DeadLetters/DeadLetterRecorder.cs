using System.Threading.Channels;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.DeadLetters;

/// <summary>
/// Ends what reached its delivery limit. A poison killed every worker that took it and has a start mark for each redelivery; what has
/// fewer only lay beside one in the prefetch, and is sent again.
/// </summary>
internal sealed class DeadLetterRecorder(
    IInvocationReceiver receiver,
    IInvocationSender sender,
    IInvocationStore store,
    IFunctionStore functions,
    ICompletionWriter completions,
    EndRecords records,
    Waker waker,
    IOptions<MessagingOptions> messaging,
    StoreStart start,
    TimeProvider time,
    ILogger<DeadLetterRecorder> logger)
    : BackgroundService
{
    private const int Parallel = 16;
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(1);
    private readonly Channel<IDelivery> deliveries = Channel.CreateUnbounded<IDelivery>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await start.Ready.WaitAsync(stoppingToken);
        await using var subscription = await SubscribeAsync(stoppingToken);
        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ => RecordAllAsync(stoppingToken)));
    }

    private async Task<IAsyncDisposable> SubscribeAsync(CancellationToken cancellationToken)
    {
        var failing = false;
        while (true)
        {
            try
            {
                return await receiver.SubscribeDeadAsync(delivery => deliveries.Writer.WriteAsync(delivery, CancellationToken.None), cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                if (!failing)
                {
                    Log.SubscriptionFails(logger, exception.Message);
                }

                failing = true;
                await Task.Delay(RetryTime, time, cancellationToken);
            }
        }
    }

    private async Task RecordAllAsync(CancellationToken cancellationToken)
    {
        await foreach (var delivery in deliveries.Reader.ReadAllAsync(cancellationToken))
        {
            try
            {
                await RecordAsync(delivery, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.RecordingFails(logger, delivery.Message?.InvocationId, exception);
                await Task.Delay(RetryTime, time, cancellationToken);
                await delivery.ReturnAsync();
            }
        }
    }

    private async Task RecordAsync(IDelivery delivery, CancellationToken cancellationToken)
    {
        if (delivery.Message is not { } message)
        {
            await delivery.AckAsync();
            return;
        }

        // 1. Ended or retried already: it only came again.
        if (await store.FindOutcomeAsync(message.InvocationId, message.Attempt, cancellationToken) is not null)
        {
            await delivery.AckAsync();
            return;
        }

        // 2. A neighbour: with a new message its deliveries count from the beginning.
        var starts = await store.CountStartsAsync(message.InvocationId, message.Attempt, cancellationToken);
        var isPoison = starts >= messaging.Value.DeliveryLimit;
        var isDeleted = await functions.FindCurrentAsync(message.FunctionId, cancellationToken) is null;
        if (!isPoison && !isDeleted && message.Deadline > time.GetUtcNow())
        {
            if (await sender.EnqueueAsync(message, cancellationToken) is not null)
            {
                await Task.Delay(RetryTime, time, cancellationToken);
                await delivery.ReturnAsync();
                return;
            }

            Log.SentAgain(logger, message.InvocationId, starts);
            waker.WakeIfCold(message.FunctionId);
            await delivery.AckAsync();
            return;
        }

        // 3. An end. Acknowledged after the commit.
        var (state, code, text) = isDeleted ? (InvocationState.Cancelled, ErrorCode.FunctionDeleted, "The function was deleted while the invocation waited.")
            : isPoison ? (InvocationState.Lost, ErrorCode.Poison, $"The invocation was started {starts + 1} times, and every time its worker died before it ended.")
            : (InvocationState.Expired, ErrorCode.Expired, "The invocation outlived its maximum age before an attempt ended.");
        var record = await records.MakeAsync(message, state, code, text, cancellationToken);
        await completions.WriteAsync(record, cancellationToken);
        Log.Ended(logger, message.InvocationId, record.FunctionName, code.ToWire());
        await delivery.AckAsync();
    }
}

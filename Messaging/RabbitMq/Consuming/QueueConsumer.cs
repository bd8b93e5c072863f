using System.Threading.Channels;
using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>
/// Consumes one queue on a channel of its own, with a prefetch that can be changed, and begins again after every loss. One task
/// talks to the broker; everybody else tells it what is wanted.
/// </summary>
internal sealed class QueueConsumer : IAsyncDisposable
{
    private readonly ConsumerPlan plan;
    private readonly TimeProvider time;
    private readonly BackgroundLoop background;
    private readonly TaskCompletionSource tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock gate = new();
    private readonly List<TaskCompletionSource> awaitingChange = [];
    private ConsumerSession? session;
    private int wanted;
    private bool stopping;

    public QueueConsumer(ConsumerPlan plan, BrokerConnection connection, Settlement settlement, TimeProvider time, ILogger logger)
    {
        this.plan = plan;
        this.time = time;
        Settlement = settlement;
        Logger = logger;
        wanted = plan.Prefetch;

        // Deliveries are only handed on, one after the other: more at once would change their order and nothing else.
        var loop = new ChannelLoop(connection, new CreateChannelOptions(false, false, consumerDispatchConcurrency: 1), $"consuming {plan.Queue}", time, logger, plan.UsualErrors);
        background = new BackgroundLoop(stopping => loop.RunAsync(UseAsync, stopping));
        background.Start();
    }

    public DeliverySource Source => plan.Source;

    public Settlement Settlement { get; }

    public ILogger Logger { get; }

    /// <summary>Ends when the first try to consume is over, whether it worked or not.</summary>
    public Task Tried => tried.Task;

    /// <summary>Changes the number of deliveries that may be unsettled; returns when the broker knows, or when there is none.</summary>
    public Task SetPrefetchAsync(int prefetch, CancellationToken cancellationToken) => ChangeAsync(() => wanted = prefetch, cancellationToken);

    /// <summary>Takes no more. What was delivered has been handed over when this returns, and can still be settled.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => ChangeAsync(() => stopping = true, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (session is { } last)
        {
            if (!last.HoldsQueue)
            {
                // The queue may be deleted by now, and what goes back to a deleted queue is lost.
                await Task.WhenAll(last.Unsettled.Values.Select(delivery => delivery.ReturnAsync().AsTask()));
            }

            await last.Acknowledger.FlushedAsync();
        }

        await background.DisposeAsync();
    }

    public void OnSettled(ConsumerTag tag)
    {
        // Room that an earlier subscription's delivery took is free again.
        if (tag.IsEnded)
        {
            changes.Writer.TryWrite(true);
        }
    }

    public async Task HandOverAsync(RabbitMqDelivery delivery)
    {
        try
        {
            await plan.OnDelivery(delivery);
        }
        catch (Exception exception)
        {
            Log.ConsumerFailed(Logger, exception, plan.Queue);
        }
    }

    /// <summary>A message that cannot be read: from a function's queue it dead-letters, from elsewhere it is dropped.</summary>
    public async Task RejectAsync(ConsumerTag tag, ulong deliveryTag, string problem)
    {
        Log.Malformed(Logger, plan.Queue, problem);
        try
        {
            await (Source == DeliverySource.Asynchronous
                ? tag.Acknowledger.NackAsync(deliveryTag, requeue: false)
                : tag.Acknowledger.AckNowAsync(deliveryTag));
        }
        catch (Exception)
        {
            // The channel is gone: it comes again.
        }

        tag.Settled(deliveryTag);
    }

    private async Task ChangeAsync(Action change, CancellationToken cancellationToken)
    {
        var applied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            change();
            if (session is null)
            {
                // Without a channel nothing is taken; the next one begins with what is wanted then.
                return;
            }

            awaitingChange.Add(applied);
        }

        changes.Writer.TryWrite(true);
        await applied.Task.WaitAsync(cancellationToken);
    }

    private async Task UseAsync(LiveChannel channel, CancellationToken cancellationToken)
    {
        var now = new ConsumerSession(channel);
        try
        {
            lock (gate)
            {
                session = now;
            }

            if (plan.Prepare is { } prepare)
            {
                await prepare(channel, cancellationToken);
            }

            await ConsumeAsync(now, cancellationToken);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.AccessRefused)
        {
            // Somebody is just taking the queue away: the next try comes in a moment, and is awaited.
        }
        catch
        {
            tried.TrySetResult();
            throw;
        }
        finally
        {
            List<TaskCompletionSource> left;
            lock (gate)
            {
                session = null;
                left = [.. awaitingChange];
                awaitingChange.Clear();
            }

            left.ForEach(change => change.TrySetResult());
        }
    }

    private async Task ConsumeAsync(ConsumerSession now, CancellationToken cancellationToken)
    {
        var confirmedAt = 0L;
        do
        {
            List<TaskCompletionSource> applying;
            int target;
            lock (gate)
            {
                applying = [.. awaitingChange];
                awaitingChange.Clear();
                target = stopping ? 0 : wanted;
                now.HoldsQueue &= !stopping;
            }

            try
            {
                await ApplyAsync(now, target, cancellationToken);
            }
            finally
            {
                // If it failed, so has the channel, and the next one begins with what is wanted.
                applying.ForEach(change => change.TrySetResult());
            }

            if (now.Active.Count > 0 && plan.Confirm is { } confirm && (confirmedAt == 0 || time.GetElapsedTime(confirmedAt) >= plan.ConfirmInterval))
            {
                await confirm(now.Channel, cancellationToken);
                confirmedAt = time.GetTimestamp();
            }

            tried.TrySetResult();
        }
        while (await WaitAsync(now, cancellationToken));
    }

    /// <summary>Waits for something to do; false if this channel is of no more use.</summary>
    private async Task<bool> WaitAsync(ConsumerSession now, CancellationToken cancellationToken)
    {
        using var woken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> events = [now.Channel.Closed, now.QueueGone, changes.Reader.WaitToReadAsync(woken.Token).AsTask()];
        if (now.HoldsQueue && plan.Confirm is not null)
        {
            events.Add(Task.Delay(plan.ConfirmInterval, time, woken.Token));
        }

        if (now.QueueGone.IsCompleted)
        {
            // Known, and left: the channel stays open for settling only.
            events.Remove(now.QueueGone);
        }

        await Task.WhenAny(events);
        await woken.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        changes.Reader.TryRead(out _);

        // A queue that is gone is declared again on a new channel, unless by somebody who leaves.
        return !now.Channel.Closed.IsCompleted && (!now.QueueGone.IsCompleted || Volatile.Read(ref stopping));
    }

    /// <summary>Makes the broker's subscriptions what is wanted.</summary>
    private async Task ApplyAsync(ConsumerSession now, int target, CancellationToken cancellationToken)
    {
        var old = now.Active.ToArray();
        if (target != now.Target)
        {
            now.Target = target;
            if (plan.NeverLeaves && target > 0)
            {
                await SubscribeAsync(now, target, cancellationToken);
                await UnsubscribeAsync(now, old, cancellationToken);
                return;
            }

            await UnsubscribeAsync(now, old, cancellationToken);
        }

        // What earlier subscriptions delivered counts until it is settled. A further subscription fills up what is missing when all of
        // it is; to follow each one would mean a subscription for each.
        var earlier = now.UnsettledEarlier;
        var missing = target - now.Active.Sum(tag => tag.Prefetch) - earlier;
        if (missing > 0 && (earlier == 0 || now.Active.Count == 0))
        {
            await SubscribeAsync(now, missing, cancellationToken);
        }
    }

    private async Task SubscribeAsync(ConsumerSession now, int prefetch, CancellationToken cancellationToken)
    {
        var channel = now.Channel.Channel;
        var tag = new ConsumerTag(this, now, prefetch);
        await channel.BasicQosAsync(0, (ushort)Math.Min(prefetch, ushort.MaxValue), global: false, cancellationToken);
        tag.Name = await channel.BasicConsumeAsync(
            plan.Queue, autoAck: false, consumerTag: "", noLocal: false, exclusive: false, plan.Arguments, tag, cancellationToken);
        now.Active.Add(tag);
    }

    private static async Task UnsubscribeAsync(ConsumerSession now, ConsumerTag[] tags, CancellationToken cancellationToken)
    {
        foreach (var tag in tags)
        {
            now.End(tag);
            if (!now.QueueGone.IsCompleted)
            {
                await now.Channel.Channel.BasicCancelAsync(tag.Name, noWait: false, cancellationToken);
                await Task.WhenAny(tag.Drained, now.Channel.Closed).WaitAsync(cancellationToken);
            }
        }
    }
}

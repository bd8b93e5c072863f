using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Streaming;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>
/// What a worker does with a delivery, in the broker's terms. Nothing here throws for a channel that is gone: the broker gives
/// such deliveries out again.
/// </summary>
internal sealed class Settlement : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly PlainPublisher publisher;
    private readonly ConfirmedPublisher confirmed;
    private readonly TimeProvider time;
    private readonly string nodeId;
    private readonly TimeSpan patience;
    private readonly ILogger logger;

    public Settlement(
        BrokerConnections connections, ConfirmedPublisher confirmed, AnswerStreams answers, Topology topology, IOptions<MessagingOptions> options, TimeProvider time,
        ILogger<Settlement> logger)
    {
        this.confirmed = confirmed;
        Answers = answers;
        this.time = time;
        this.logger = logger;
        nodeId = options.Value.NodeId;
        patience = options.Value.ConfirmTimeout;
        publisher = new PlainPublisher(connections.Publishing, topology, "sending answers", time, logger);
    }

    /// <summary>Answers in pieces.</summary>
    public AnswerStreams Answers { get; }

    /// <summary>What was handed out and not settled.</summary>
    public HeldEvents Held { get; } = new();

    public void Start() => publisher.Start();

    public ValueTask DisposeAsync() => publisher.DisposeAsync();

    public async ValueTask AckAsync(RabbitMqDelivery delivery)
    {
        try
        {
            // A call must be off the queue before it runs; an asynchronous one has been run, and shares a frame with others.
            if (delivery.Message?.Kind == InvocationKind.Asynchronous)
            {
                delivery.Consumer.Acknowledger.AckSoon(delivery.Tag);
            }
            else
            {
                await delivery.Consumer.Acknowledger.AckNowAsync(delivery.Tag);
            }
        }
        catch (Exception exception) when (IsGone(exception))
        {
            // It comes again.
        }

        Held.Remove(delivery);
        delivery.Consumer.Settled(delivery.Tag);
    }

    public async ValueTask SpillAsync(RabbitMqDelivery delivery)
    {
        switch (delivery.Consumer.Source)
        {
            // Rejected, it dead-letters to the cold queue. But a queue that was deleted meanwhile dead-letters nothing.
            case DeliverySource.Warm when delivery.Consumer.HoldsQueue:
                await NackAsync(delivery, requeue: false);
                break;
            case DeliverySource.Warm or DeliverySource.Cold:
                await RepublishAsync(delivery, delivery.Refusals);
                break;
            default:
                await NackAsync(delivery, requeue: true);
                break;
        }
    }

    public async ValueTask ReturnAsync(RabbitMqDelivery delivery, bool refused)
    {
        var refusals = delivery.Refusals + (refused ? 1 : 0);
        switch (delivery.Consumer.Source)
        {
            // The cold queue would count a requeue as a failed delivery, and would hand it straight back to this worker.
            case DeliverySource.Cold:
                await RepublishAsync(delivery, refusals);
                break;
            case DeliverySource.Warm when refused || !delivery.Consumer.HoldsQueue:
                await RepublishAsync(delivery, refusals);
                break;
            case DeliverySource.Asynchronous when refused:
                await RepublishAsync(delivery, refusals);
                break;
            default:
                await NackAsync(delivery, requeue: true);
                break;
        }
    }

    public async ValueTask SendStartedAsync(Incoming incoming)
    {
        var started = new Outgoing(ReplyCodec.WriteStarted(nodeId, incoming.CorrelationId ?? ""), default);
        await SendAsync(incoming.ReplyTo!, started, TimeSpan.Zero);
    }

    public ValueTask SendReplyAsync(Incoming incoming, InvocationReply reply) =>
        SendAsync(incoming.ReplyTo!, ReplyCodec.Write(reply, incoming.CorrelationId ?? ""), patience);

    /// <summary>Ends an answer in pieces. Behind them, if their channel is still there; else it tells the gateway that some may be missing.</summary>
    public async ValueTask SendEndAsync(Incoming incoming, RabbitMqAnswerStream stream, InvocationReply reply)
    {
        if (!await stream.TryEndAsync(reply))
        {
            await SendAsync(incoming.ReplyTo!, stream.WriteEnd(reply), patience);
        }
    }

    private async ValueTask SendAsync(string queue, Outgoing outgoing, TimeSpan wait)
    {
        try
        {
            if (await WhenThereIsAChannelAsync(wait) is not { } channel)
            {
                Log.ReplyNotSent(logger, queue, "there is no connection that takes messages");
                return;
            }

            var sending = PlainPublisher.PublishAsync(channel, "", queue, mandatory: false, outgoing, CancellationToken.None);
            if (!(sending.IsCompletedSuccessfully ? await sending : await sending.AsTask().WaitAsync(patience, time)))
            {
                Log.ReplyNotSent(logger, queue, "the connection was lost");
            }
        }
        catch (Exception exception)
        {
            Log.ReplyNotSent(logger, queue, exception.Message);
        }
    }

    // After an outage calls may arrive before the connection that answers them is back.
    private async ValueTask<LiveChannel?> WhenThereIsAChannelAsync(TimeSpan wait)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (await publisher.TryGetAsync(CancellationToken.None) is { } channel)
            {
                return channel;
            }

            if (time.GetElapsedTime(began) >= wait)
            {
                return null;
            }

            await Task.Delay(LookInterval, time);
        }
    }

    // Published anew before the old one is acknowledged: what happens in between makes it two, never none. Two of a call's deliveries
    // are possible only if this very worker dies here, before the call ran.
    private async ValueTask RepublishAsync(RabbitMqDelivery delivery, int refusals)
    {
        var outcome = PublishOutcome.Unknown;
        var incoming = delivery.Incoming;
        try
        {
            outcome = incoming.Message switch
            {
                null => await confirmed.PublishAsync(BrokerNames.Cold, "", MessageCodec.WriteWake(incoming.FunctionId, TimeSpan.FromSeconds(10), refusals), CancellationToken.None),
                { Kind: InvocationKind.Asynchronous } message =>
                    await confirmed.PublishAsync(BrokerNames.Async, BrokerNames.RoutingKey(message.FunctionId), MessageCodec.WriteEvent(message, refusals), CancellationToken.None),
                var message => await confirmed.PublishAsync(
                    BrokerNames.Cold, "", MessageCodec.WriteCall(message, incoming.ReplyTo ?? "", incoming.CorrelationId ?? "", time.GetUtcNow(), refusals, incoming.StreamWindow), CancellationToken.None),
            };
        }
        catch (Exception exception)
        {
            Log.RepublishFailed(logger, exception, delivery.FunctionId);
        }

        if (outcome == PublishOutcome.Confirmed)
        {
            await AckAsync(delivery);
        }
        else
        {
            await NackAsync(delivery, requeue: true);
        }
    }

    private async ValueTask NackAsync(RabbitMqDelivery delivery, bool requeue)
    {
        try
        {
            await delivery.Consumer.Acknowledger.NackAsync(delivery.Tag, requeue);
        }
        catch (Exception exception) when (IsGone(exception))
        {
            // It comes again.
        }

        Held.Remove(delivery);
        delivery.Consumer.Settled(delivery.Tag);
    }

    private static bool IsGone(Exception exception) => exception is AlreadyClosedException or OperationInterruptedException or ObjectDisposedException
        or System.Threading.Channels.ChannelClosedException;
}

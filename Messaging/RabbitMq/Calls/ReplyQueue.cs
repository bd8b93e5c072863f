using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Consuming;
using FaasCluster.Messaging.RabbitMq.Streaming;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Calls;

/// <summary>
/// The queue on which this node hears from workers. Every channel gets one of another name: the broker may still hold the last
/// one for a connection that it does not know to be dead.
/// </summary>
internal sealed class ReplyQueue : IAsyncDisposable
{
    private readonly CallTable calls;
    private readonly WorkerPresence presence;
    private readonly AnswerPieces pieces;
    private readonly BrokerConnection connection;
    private readonly ILogger logger;
    private readonly BackgroundLoop background;
    private readonly string nodeId;
    private volatile string? current;
    private int opened;

    public ReplyQueue(
        BrokerConnections connections, CallTable calls, WorkerPresence presence, AnswerPieces pieces, IOptions<MessagingOptions> options, TimeProvider time,
        ILogger<ReplyQueue> logger)
    {
        this.pieces = pieces;
        this.calls = calls;
        this.presence = presence;
        this.logger = logger;
        connection = connections.Consuming;
        nodeId = options.Value.NodeId;
        var loop = new ChannelLoop(connection, new CreateChannelOptions(false, false, consumerDispatchConcurrency: 1), "answers", time, logger);
        background = new BackgroundLoop(stopping => loop.RunAsync(UseAsync, stopping));
    }

    public void Start() => background.Start();

    /// <summary>Its name; waits the moment that a lost connection is given. Null if there is none.</summary>
    public async ValueTask<string?> TryGetAsync(CancellationToken cancellationToken)
    {
        if (current is { } name)
        {
            return name;
        }

        var link = await connection.TryGetAsync(cancellationToken);
        for (var tries = 0; link is { IsOpen: true } && tries < 100; tries++)
        {
            if (current is { } declared)
            {
                return declared;
            }

            // Declaring takes some round trips; it happens once in a connection's life.
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        }

        return null;
    }

    public ValueTask DisposeAsync() => background.DisposeAsync();

    private async Task UseAsync(LiveChannel channel, CancellationToken cancellationToken)
    {
        var name = BrokerNames.Reply(nodeId, ++opened);
        await channel.Channel.QueueDeclareAsync(name, durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);
        var consumer = new Consumer(channel.Channel, Hear);
        await channel.Channel.BasicConsumeAsync(name, autoAck: true, consumer, cancellationToken);
        current = name;
        try
        {
            await Task.WhenAny(channel.Closed, consumer.Cancelled).WaitAsync(cancellationToken);
        }
        finally
        {
            current = null;
            calls.FailWaitingOn(name);
        }
    }

    private void Hear(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        presence.Seen(properties.AppId);
        switch (properties.Type)
        {
            case MessageHeaders.StartedType:
                calls.Started(properties.CorrelationId, properties.AppId ?? "");
                break;
            case MessageHeaders.PieceType:
                HearPiece(properties, body);
                break;
            case MessageHeaders.WaitingType:
                pieces.HearWaiting(properties);
                break;
            default:
                HearReply(properties, body);
                break;
        }
    }

    private void HearPiece(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        if (calls.Find(properties.CorrelationId) is { StartedOn: null })
        {
            // A function that streams at once is faster than the notice that it runs.
            calls.Started(properties.CorrelationId, properties.AppId ?? "");
        }

        pieces.Hear(properties, body);
    }

    private void HearReply(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        if (calls.Find(properties.CorrelationId) is not { } call)
        {
            // Its caller has gone.
            return;
        }

        if (!ReplyCodec.TryRead(properties, body, out var reply, out var problem))
        {
            Log.ReplyMalformed(logger, problem);
            return;
        }

        presence.Served(call.Message.FunctionId, reply.WorkerId);
        if (reply.InvocationId != call.Message.InvocationId)
        {
            return;
        }

        // With an error it is not whole anyway.
        if (reply.Error is null && !pieces.IsWhole(call, properties))
        {
            Log.AnswerBroken(logger, reply.InvocationId, StreamCodec.Stream(properties) is null ? 0 : StreamCodec.Sequence(properties), call.Answer?.Count ?? 0);
            call.Fail(ErrorCode.BrokerUnavailable);
            return;
        }

        call.TrySetResult(new CallOutcome { Reply = reply, StartedOn = call.StartedOn ?? reply.WorkerId });
    }

    private sealed class Consumer(IChannel channel, Action<IReadOnlyBasicProperties, ReadOnlyMemory<byte>> hear) : WatchedConsumer(channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
            IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            hear(properties, body);
            return Task.CompletedTask;
        }
    }
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FaasCluster.Messaging.RabbitMq.Streaming;

/// <summary>The answers that this worker sends in pieces, and what gateways say about them.</summary>
internal sealed class AnswerStreams : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<long, RabbitMqAnswerStream> streams = new();
    private readonly PlainPublisher publisher;
    private readonly MessagingOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private long lastNumber;

    public AnswerStreams(BrokerConnections connections, Topology topology, IOptions<MessagingOptions> options, TimeProvider time, ILogger<AnswerStreams> logger)
    {
        this.options = options.Value;
        this.time = time;
        this.logger = logger;

        // A channel of its own: what waits here must not hold up other functions' answers.
        publisher = new PlainPublisher(connections.Publishing, topology, "streaming answers", time, logger) { Returned = OnReturned };
    }

    public string WorkerId => options.NodeId;

    /// <summary>How long to wait for credit before asking whether the answer is still taken.</summary>
    public TimeSpan AskInterval => options.PresenceInterval;

    public TimeProvider Time => time;

    public void Start() => publisher.Start();

    public ValueTask DisposeAsync() => publisher.DisposeAsync();

    public RabbitMqAnswerStream Open(Incoming incoming, Action<ErrorCode> onRefused)
    {
        var stream = new RabbitMqAnswerStream(this, Interlocked.Increment(ref lastNumber), incoming, onRefused);
        streams[stream.Number] = stream;
        return stream;
    }

    public void Forget(RabbitMqAnswerStream stream) => streams.TryRemove(stream.Number, out _);

    /// <summary>A channel, or null if there is none for as long as an answer in one piece would wait.</summary>
    public async ValueTask<LiveChannel?> WhenThereIsAChannelAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (await publisher.TryGetAsync(cancellationToken) is { } channel)
            {
                return channel;
            }

            if (time.GetElapsedTime(began) >= options.ConfirmTimeout)
            {
                return null;
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    /// <summary>Hears what a gateway says. Runs on the connection's receiving loop: nothing here waits.</summary>
    public void Hear(IReadOnlyBasicProperties properties)
    {
        try
        {
            if (StreamCodec.Stream(properties) is not { } number || !streams.TryGetValue(number, out var stream))
            {
                // A probe, or an answer that has ended.
                return;
            }

            switch (properties.Type)
            {
                case MessageHeaders.CreditType:
                    stream.Consume(StreamCodec.Credit(properties));
                    break;
                case MessageHeaders.RefusalType:
                    stream.Refuse(StreamCodec.Why(properties));
                    break;
            }
        }
        catch (FormatException exception)
        {
            Log.ReplyMalformed(logger, exception.Message);
        }
    }

    // The gateway's queue is gone, and with it whoever waited.
    private void OnReturned(BasicReturnEventArgs returned)
    {
        if (new MessageFields(returned.BasicProperties).Number(MessageHeaders.Stream) is { } number && streams.TryGetValue(number, out var stream))
        {
            stream.Refuse(ErrorCode.CallerLeft);
        }
    }
}

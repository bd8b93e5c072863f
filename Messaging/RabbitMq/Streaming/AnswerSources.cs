using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Wire;
using FaasCluster.Messaging.Streaming;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.RabbitMq.Streaming;

/// <summary>What this gateway says to the workers whose answers it takes.</summary>
internal sealed class AnswerSources(BrokerConnections connections, Topology topology, TimeProvider time, ILogger<AnswerSources> logger) : IAsyncDisposable
{
    private readonly PlainPublisher publisher = new(connections.Publishing, topology, "credits", time, logger);

    public void Start() => publisher.Start();

    public ValueTask DisposeAsync() => publisher.DisposeAsync();

    /// <summary>A worker's answer.</summary>
    public Source Of(string workerId, long stream) => new(this, workerId, stream);

    // What is lost here is asked for again by the worker.
    private async Task TellAsync(string workerId, Outgoing outgoing)
    {
        try
        {
            if (await publisher.TryGetAsync(CancellationToken.None) is { } channel)
            {
                await PlainPublisher.PublishAsync(channel, "", BrokerNames.Worker(workerId), mandatory: false, outgoing, CancellationToken.None);
            }
        }
        catch (Exception exception)
        {
            Log.ReplyNotSent(logger, BrokerNames.Worker(workerId), exception.Message);
        }
    }

    /// <summary>One answer of one worker.</summary>
    internal sealed record Source(AnswerSources Owner, string WorkerId, long Stream) : IAnswerSource
    {
        public void Grant(long total) => _ = Owner.TellAsync(WorkerId, StreamCodec.WriteCredit(Stream, total));

        public void Refuse(ErrorCode why) => _ = Owner.TellAsync(WorkerId, StreamCodec.WriteRefusal(Stream, why));
    }
}

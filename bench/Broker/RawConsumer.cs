using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FaasCluster.Bench.Broker;

/// <summary>Takes messages off a queue and acknowledges every hundred of them.</summary>
internal sealed class RawConsumer(string uri, string queue)
{
    private const int AcknowledgeEvery = 100;
    private const ushort Prefetch = 1000;

    /// <summary>Consumes so many.</summary>
    /// <param name="count">How many there will be.</param>
    /// <param name="consuming">Set when the broker has accepted the consumer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Ends when the last acknowledgement is sent.</returns>
    public async Task RunAsync(int count, TaskCompletionSource consuming, CancellationToken cancellationToken)
    {
        await using var connection = await BrokerConnection.OpenAsync(uri, cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await BrokerConnection.DeclareQuorumAsync(channel, queue, cancellationToken);
        await channel.BasicQosAsync(0, Prefetch, global: false, cancellationToken);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var seen = 0;
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            seen++;
            if (seen % AcknowledgeEvery == 0 || seen == count)
            {
                await channel.BasicAckAsync(delivery.DeliveryTag, multiple: true, cancellationToken);
            }

            if (seen == count)
            {
                done.SetResult();
            }
        };
        consuming.SetResult();
        await channel.BasicConsumeAsync(queue, autoAck: false, consumer, cancellationToken);
        await done.Task.WaitAsync(cancellationToken);
    }
}

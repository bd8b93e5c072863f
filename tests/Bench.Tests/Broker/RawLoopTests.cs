using FaasCluster.Bench.Broker;
using FaasCluster.Testing;
using RabbitMQ.Client;

namespace FaasCluster.Bench.Tests.Broker;

public sealed class RawLoopTests(BrokerVirtualHost broker) : IClassFixture<BrokerVirtualHost>
{
    private static readonly byte[] Body = "{}"u8.ToArray();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PublishAndConsume_WhenItReturns_HasLeftNothingBehind()
    {
        var loop = new RawLoop(broker.Uri);

        Assert.True(await loop.PublishAndConsumeAsync(Body, 2050, Stop) > 0);
        Assert.True(await loop.DrainAsync(Body, 1050, Stop) > 0);

        Assert.Equal(0u, await MessagesAsync("bench.loop"));
    }

    [Fact]
    public async Task Publisher_WithLittleRoom_ConfirmsEveryMessage()
    {
        await using var publisher = await ConfirmedPublisher.OpenAsync(broker.Uri, "bench.few", outstanding: 3, Stop);

        await publisher.PublishManyAsync(Body, 500, Stop);

        Assert.Equal(500u, await MessagesAsync("bench.few"));
    }

    [Fact]
    public async Task Publisher_WhoseQueueIsGone_FailsInsteadOfCounting()
    {
        await using var publisher = await ConfirmedPublisher.OpenAsync(broker.Uri, "bench.gone", outstanding: 3, Stop);
        await using var connection = await BrokerConnection.OpenAsync(broker.Uri, Stop);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Stop);
        await channel.QueueDeleteAsync("bench.gone", cancellationToken: Stop);

        var failure = await Assert.ThrowsAsync<BenchFailedException>(() => publisher.PublishManyAsync(Body, 1, Stop));

        Assert.Contains("unroutable", failure.Message);
    }

    [Fact]
    public async Task RequestReply_WithManyCallers_AnswersAllOfThem()
    {
        await using var calls = await RawRequestReply.OpenAsync(broker.Uri, Stop);

        var load = await calls.ForAsync(Body, callers: 16, TimeSpan.FromMilliseconds(200), Stop);

        Assert.True(load.Calls.Count >= 16);
        Assert.True(load.Calls.Percentile(0.5) > 0);
    }

    private async Task<uint> MessagesAsync(string queue)
    {
        await using var connection = await BrokerConnection.OpenAsync(broker.Uri, Stop);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Stop);
        var messages = uint.MaxValue;
        for (var look = 0; look < 100; look++)
        {
            // Quorum queues count what is being acknowledged for a moment longer.
            messages = (await channel.QueueDeclarePassiveAsync(queue, Stop)).MessageCount;
            if (messages == 0)
            {
                break;
            }

            await Task.Delay(20, Stop);
        }

        return messages;
    }
}

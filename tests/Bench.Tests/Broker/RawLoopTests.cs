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

        await HasMessagesAsync("bench.loop", 0);
    }

    [Fact]
    public async Task Publisher_WithLittleRoom_ConfirmsEveryMessage()
    {
        await using var publisher = await ConfirmedPublisher.OpenAsync(broker.Uri, "bench.few", outstanding: 3, Stop);

        await publisher.PublishManyAsync(Body, 500, Stop);

        await HasMessagesAsync("bench.few", 500);
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

    private async Task HasMessagesAsync(string queue, uint expected)
    {
        await using var connection = await BrokerConnection.OpenAsync(broker.Uri, Stop);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Stop);

        // Quorum queues count what is being acknowledged for a moment longer.
        await Eventually.TrueAsync(async () => (await channel.QueueDeclarePassiveAsync(queue, Stop)).MessageCount == expected, $"{expected} messages in {queue}");
    }
}

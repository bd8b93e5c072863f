using RabbitMQ.Client;

namespace FaasCluster.Bench.Broker;

/// <summary>
/// Persistent, mandatory, confirmed publishes with a bound of our own on what is outstanding: the client's own limiter sleeps.
/// </summary>
internal sealed class ConfirmedPublisher : IAsyncDisposable
{
    private static readonly BasicProperties Persistent = new() { DeliveryMode = DeliveryModes.Persistent };

    private readonly IConnection connection;
    private readonly IChannel channel;
    private readonly string queue;
    private readonly SemaphoreSlim room;
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Lock gate = new();
    private readonly Dictionary<ulong, TaskCompletionSource> open = [];
    private ulong published;
    private ulong confirmedUpTo;

    private ConfirmedPublisher(IConnection connection, IChannel channel, string queue, int outstanding)
    {
        this.connection = connection;
        this.channel = channel;
        this.queue = queue;
        room = new SemaphoreSlim(outstanding, outstanding);
        channel.BasicAcksAsync += (_, confirm) => Settle(confirm.DeliveryTag, confirm.Multiple, failure: null);
        channel.BasicNacksAsync += (_, confirm) => Settle(confirm.DeliveryTag, confirm.Multiple, "The broker refused a message (basic.nack).");
        channel.BasicReturnAsync += (_, returned) => Fail($"The broker returned a message as unroutable: {returned.ReplyText}.");
        channel.ChannelShutdownAsync += (_, shutdown) => Fail($"The channel was closed: {shutdown.ReplyText}.");
    }

    public static async Task<ConfirmedPublisher> OpenAsync(string uri, string queue, int outstanding, CancellationToken cancellationToken)
    {
        var connection = await BrokerConnection.OpenAsync(uri, cancellationToken);
        var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false, outstandingPublisherConfirmationsRateLimiter: null),
            cancellationToken);
        await BrokerConnection.DeclareQuorumAsync(channel, queue, cancellationToken);
        return new ConfirmedPublisher(connection, channel, queue, outstanding);
    }

    /// <summary>Publishes as soon as there is room.</summary>
    /// <returns>Ends when the broker has confirmed.</returns>
    public async ValueTask<Task> PublishAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await room.WaitAsync(cancellationToken);
        await turn.WaitAsync(cancellationToken);
        try
        {
            var confirmed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (gate)
            {
                open.Add(++published, confirmed);
            }

            await channel.BasicPublishAsync("", queue, mandatory: true, Persistent, body, cancellationToken);
            return confirmed.Task;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Publishes so many and returns when all of them are confirmed.</summary>
    public async Task PublishManyAsync(ReadOnlyMemory<byte> body, int count, CancellationToken cancellationToken)
    {
        var confirms = new Task[count];
        for (var i = 0; i < count; i++)
        {
            confirms[i] = await PublishAsync(body, cancellationToken);
        }

        await Task.WhenAll(confirms).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }

    private Task Settle(ulong tag, bool multiple, string? failure)
    {
        lock (gate)
        {
            for (var next = multiple ? confirmedUpTo + 1 : tag; next <= tag; next++)
            {
                if (open.Remove(next, out var confirmed))
                {
                    End(confirmed, failure);
                }
            }

            if (multiple)
            {
                confirmedUpTo = tag;
            }
        }

        return Task.CompletedTask;
    }

    private Task Fail(string failure)
    {
        lock (gate)
        {
            foreach (var confirmed in open.Values)
            {
                End(confirmed, failure);
            }

            open.Clear();
        }

        return Task.CompletedTask;
    }

    private void End(TaskCompletionSource confirmed, string? failure)
    {
        room.Release();
        if (failure is null)
        {
            confirmed.SetResult();
        }
        else
        {
            confirmed.SetException(new BenchFailedException(failure));
        }
    }
}

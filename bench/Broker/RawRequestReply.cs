using System.Diagnostics;
using System.Globalization;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Reporting;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FaasCluster.Bench.Broker;

/// <summary>
/// A call over the broker and nothing else: request to a classic queue, reply to an exclusive classic queue, transient,
/// acknowledged automatically, on two connections.
/// </summary>
internal sealed class RawRequestReply : IAsyncDisposable
{
    private const string RequestQueue = "bench.requests";

    private readonly IConnection serving;
    private readonly IConnection calling;
    private readonly IChannel requests;
    private readonly string replyQueue;
    private readonly SemaphoreSlim turn = new(1, 1);
    private TaskCompletionSource[] waiting = [];

    private RawRequestReply(IConnection serving, IConnection calling, IChannel requests, string replyQueue)
    {
        this.serving = serving;
        this.calling = calling;
        this.requests = requests;
        this.replyQueue = replyQueue;
    }

    public static async Task<RawRequestReply> OpenAsync(string uri, CancellationToken cancellationToken)
    {
        var serving = await BrokerConnection.OpenAsync(uri, cancellationToken);
        var server = await serving.CreateChannelAsync(cancellationToken: cancellationToken);
        await server.QueueDeclareAsync(RequestQueue, durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);
        var echo = new AsyncEventingBasicConsumer(server);
        echo.ReceivedAsync += (_, request) => server.BasicPublishAsync(
            "", request.BasicProperties.ReplyTo!, mandatory: false, new BasicProperties { CorrelationId = request.BasicProperties.CorrelationId }, request.Body, cancellationToken).AsTask();
        await server.BasicConsumeAsync(RequestQueue, autoAck: true, echo, cancellationToken);

        var calling = await BrokerConnection.OpenAsync(uri, cancellationToken);
        var replies = await calling.CreateChannelAsync(cancellationToken: cancellationToken);
        var queue = await replies.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);
        var loop = new RawRequestReply(serving, calling, await calling.CreateChannelAsync(cancellationToken: cancellationToken), queue.QueueName);
        var consumer = new AsyncEventingBasicConsumer(replies);
        consumer.ReceivedAsync += (_, reply) =>
        {
            loop.waiting[int.Parse(reply.BasicProperties.CorrelationId!, CultureInfo.InvariantCulture)].SetResult();
            return Task.CompletedTask;
        };
        await replies.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, cancellationToken);
        return loop;
    }

    /// <summary>Calls until the time is over, each caller at least once; every call that began is waited for.</summary>
    public async Task<LoadResult> ForAsync(ReadOnlyMemory<byte> body, int callers, TimeSpan time, CancellationToken cancellationToken)
    {
        waiting = new TaskCompletionSource[callers];
        var started = Stopwatch.GetTimestamp();
        var end = started + (long)(time.TotalSeconds * Stopwatch.Frequency);
        var parts = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller =>
            Task.Run(() => CallAsync(caller, body, end, cancellationToken), cancellationToken)));
        var elapsed = Stopwatch.GetElapsedTime(started);
        var all = new Samples();
        foreach (var part in parts)
        {
            all.AddAll(part);
        }

        return new LoadResult(started, elapsed, all);
    }

    public async ValueTask DisposeAsync()
    {
        await calling.DisposeAsync();
        await serving.DisposeAsync();
    }

    private async Task<Samples> CallAsync(int caller, ReadOnlyMemory<byte> body, long end, CancellationToken cancellationToken)
    {
        var samples = new Samples();
        var properties = new BasicProperties { ReplyTo = replyQueue, CorrelationId = caller.ToString(CultureInfo.InvariantCulture) };
        do
        {
            var began = Stopwatch.GetTimestamp();
            var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting[caller] = answer;
            await turn.WaitAsync(cancellationToken);
            try
            {
                await requests.BasicPublishAsync("", RequestQueue, mandatory: false, properties, body, cancellationToken);
            }
            finally
            {
                turn.Release();
            }

            await answer.Task.WaitAsync(cancellationToken);
            samples.AddSince(began);
        }
        while (Stopwatch.GetTimestamp() < end);

        return samples;
    }
}

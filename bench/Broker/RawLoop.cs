using System.Diagnostics;

namespace FaasCluster.Bench.Broker;

/// <summary>
/// What the broker and its client can do at most with durable messages: published, confirmed, consumed, acknowledged on one
/// quorum queue.
/// </summary>
internal sealed class RawLoop(string uri)
{
    /// <summary>The bound on outstanding confirms.</summary>
    public const int Outstanding = 500;

    private const string Queue = "bench.loop";

    /// <summary>Publishes and consumes at the same time; messages per second from the first publish to the last acknowledgement.</summary>
    public async Task<double> PublishAndConsumeAsync(ReadOnlyMemory<byte> body, int count, CancellationToken cancellationToken)
    {
        await using var publisher = await ConfirmedPublisher.OpenAsync(uri, Queue, Outstanding, cancellationToken);
        var consuming = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumed = new RawConsumer(uri, Queue).RunAsync(count, consuming, cancellationToken);
        await await Task.WhenAny(consuming.Task, consumed);

        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Task.Run(() => publisher.PublishManyAsync(body, count, cancellationToken), cancellationToken), consumed);
        return count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Fills the queue, then drains it; messages per second of the drain alone.</summary>
    public async Task<double> DrainAsync(ReadOnlyMemory<byte> body, int count, CancellationToken cancellationToken)
    {
        await using var publisher = await ConfirmedPublisher.OpenAsync(uri, Queue, Outstanding, cancellationToken);
        await publisher.PublishManyAsync(body, count, cancellationToken);

        var consuming = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumed = new RawConsumer(uri, Queue).RunAsync(count, consuming, cancellationToken);
        await await Task.WhenAny(consuming.Task, consumed);
        var started = Stopwatch.GetTimestamp();
        await consumed;
        return count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Functions;
using FaasCluster.Messaging;

namespace FaasCluster.Gateway.Invocations;

/// <summary>
/// Holds functions to their queueLimit. The broker is asked seldom; between two answers this gateway counts what it lets in and
/// nothing that leaves, so that by itself it never exceeds a limit. Several gateways may, by what the others let in since.
/// </summary>
internal sealed class QueueGauge(IInvocationSender sender, TimeProvider time)
{
    private const int Capacity = 10_000;
    private static readonly TimeSpan LongCount = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortCount = TimeSpan.FromMilliseconds(100);
    private readonly ConcurrentDictionary<Guid, Gauge> gauges = new();

    /// <summary>Takes a place in the function's queue, to be disposed after the publish. Null if the queue is at the function's limit.</summary>
    public async ValueTask<Place?> TryEnterAsync(FunctionRevision revision, CancellationToken cancellationToken)
    {
        if (revision.Manifest.QueueLimit is not { } limit)
        {
            return Place.Unlimited;
        }

        if (gauges.Count > Capacity)
        {
            gauges.Clear();
        }

        var gauge = gauges.GetOrAdd(revision.FunctionId, static _ => new Gauge());
        if (gauge.TryEnter(limit, time) is { } answer)
        {
            return answer.Place;
        }

        await gauge.Counting.WaitAsync(cancellationToken);
        try
        {
            // Somebody else may have asked meanwhile.
            if (gauge.TryEnter(limit, time) is { } later)
            {
                return later.Place;
            }

            var publishing = gauge.Publishing;
            if (await sender.CountWaitingAsync(revision.FunctionId, cancellationToken) is not { } waiting)
            {
                // The broker will say itself what is wrong.
                return Place.Unlimited;
            }

            gauge.Set(waiting + publishing, time);
            return gauge.TryEnter(limit, time)?.Place;
        }
        finally
        {
            gauge.Counting.Release();
        }
    }

    /// <summary>A place that was given, or none.</summary>
    internal readonly record struct Answer(Place? Place);

    /// <summary>A place in a queue while a message is on its way there.</summary>
    internal sealed class Place(Gauge? gauge) : IDisposable
    {
        public static readonly Place Unlimited = new(null);

        private Gauge? gauge = gauge;

        /// <summary>The message is in the queue.</summary>
        public void Take() => Interlocked.Exchange(ref gauge, null)?.Leave(isTaken: true);

        /// <summary>Nothing was published, unless it was taken before.</summary>
        public void Dispose() => Interlocked.Exchange(ref gauge, null)?.Leave(isTaken: false);
    }

    /// <summary>What is known of one queue.</summary>
    internal sealed class Gauge
    {
        private readonly Lock gate = new();
        private long waiting;
        private long publishing;
        private long? countedAt;

        public SemaphoreSlim Counting { get; } = new(1);

        /// <summary>Messages on their way: a count may have seen them or not.</summary>
        public long Publishing
        {
            get
            {
                lock (gate)
                {
                    return publishing;
                }
            }
        }

        /// <summary>Null if the count is too old to say. A queue that may be full is counted more often.</summary>
        public Answer? TryEnter(int limit, TimeProvider time)
        {
            lock (gate)
            {
                if (countedAt is not { } counted || time.GetElapsedTime(counted) > (waiting * 2 < limit ? LongCount : ShortCount))
                {
                    return null;
                }

                if (waiting >= limit)
                {
                    return new Answer(null);
                }

                waiting++;
                publishing++;
                return new Answer(new Place(this));
            }
        }

        public void Set(long counted, TimeProvider time)
        {
            lock (gate)
            {
                waiting = counted;
                countedAt = time.GetTimestamp();
            }
        }

        public void Leave(bool isTaken)
        {
            lock (gate)
            {
                publishing--;
                waiting -= isTaken ? 0 : 1;
            }
        }
    }
}

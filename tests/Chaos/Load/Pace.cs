using System.Diagnostics;

namespace FaasCluster.Chaos.Load;

/// <summary>How fast all callers together may begin calls: what a fault held up is not made up for in a burst.</summary>
internal sealed class Pace(int perSecond)
{
    private readonly long interval = Stopwatch.Frequency / perSecond;
    private long next = Stopwatch.GetTimestamp();

    public Task WhenTurnAsync(CancellationToken cancellationToken)
    {
        var now = Stopwatch.GetTimestamp();
        while (true)
        {
            var last = Volatile.Read(ref next);
            var turn = Math.Max(last, now);
            if (Interlocked.CompareExchange(ref next, turn + interval, last) == last)
            {
                return turn == now ? Task.CompletedTask : Task.Delay(Stopwatch.GetElapsedTime(now, turn), cancellationToken);
            }
        }
    }
}

using System.Collections.Concurrent;
using FaasCluster.Gateway.Health;
using FaasCluster.Messaging;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Asks for a warm worker where there is none, at most once a second for a function. Never waits: a wake is a hint.</summary>
internal sealed class Waker(IInvocationSender sender, WorkerTable workers, TimeProvider time, ILogger<Waker> logger)
{
    private const int Capacity = 10_000;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<Guid, long> wokenAt = new();

    /// <summary>Wakes the function unless a worker is warm for it.</summary>
    public void WakeIfCold(Guid functionId)
    {
        if (!workers.IsWarm(functionId))
        {
            Wake(functionId);
        }
    }

    /// <summary>Wakes the function unless that was done within the last second.</summary>
    public void Wake(Guid functionId)
    {
        var now = time.GetTimestamp();
        var claimed = wokenAt.TryGetValue(functionId, out var before)
            ? time.GetElapsedTime(before, now) >= Pause && wokenAt.TryUpdate(functionId, now, before)
            : wokenAt.TryAdd(functionId, now);
        if (!claimed)
        {
            return;
        }

        if (wokenAt.Count > Capacity)
        {
            wokenAt.Clear();
        }

        _ = WakeAsync(functionId);
    }

    private async Task WakeAsync(Guid functionId)
    {
        try
        {
            await sender.WakeAsync(functionId, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // The sweep asks again.
            Log.WakeFailed(logger, functionId, exception.Message);
        }
    }
}

using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Lanes;

/// <summary>The other workers that were heard of lately.</summary>
internal sealed class WorkerPeers(IOptions<MessagingOptions> messaging, IOptions<WorkerOptions> options, TimeProvider time) : IControlBusHandler<WorkerHeartbeat>
{
    private readonly ConcurrentDictionary<string, (WorkerHeartbeat Heartbeat, long At)> seen = new();

    /// <summary>How many take work.</summary>
    public int Count => Alive().Count();

    /// <summary>Those that can run functions of the given runtime and memory.</summary>
    public IEnumerable<string> Able(string runtime, long memoryBytes) =>
        Alive().Where(worker => worker.Runtimes.Contains(runtime) && worker.MemoryBytes >= memoryBytes).Select(worker => worker.WorkerId);

    public Task HandleAsync(WorkerHeartbeat message, CancellationToken cancellationToken)
    {
        if (message.Draining)
        {
            seen.TryRemove(message.WorkerId, out _);
        }
        else if (message.WorkerId != messaging.Value.NodeId)
        {
            seen[message.WorkerId] = (message, time.GetTimestamp());
        }

        return Task.CompletedTask;
    }

    private IEnumerable<WorkerHeartbeat> Alive()
    {
        foreach (var (id, last) in seen)
        {
            if (time.GetElapsedTime(last.At) > options.Value.HeartbeatInterval * 3)
            {
                seen.TryRemove(KeyValuePair.Create(id, last));
            }
            else
            {
                yield return last.Heartbeat;
            }
        }
    }
}

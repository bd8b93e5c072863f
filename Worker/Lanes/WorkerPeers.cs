using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Lanes;

/// <summary>The other workers that were heard of lately.</summary>
internal sealed class WorkerPeers(IOptions<MessagingOptions> messaging, IOptions<WorkerOptions> options, TimeProvider time) : IControlBusHandler<WorkerHeartbeat>
{
    private readonly ConcurrentDictionary<string, long> seen = new();

    /// <summary>How many take work.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var (id, at) in seen)
            {
                if (time.GetElapsedTime(at) > options.Value.HeartbeatInterval * 3)
                {
                    seen.TryRemove(new KeyValuePair<string, long>(id, at));
                }
                else
                {
                    count++;
                }
            }

            return count;
        }
    }

    public Task HandleAsync(WorkerHeartbeat message, CancellationToken cancellationToken)
    {
        if (message.Draining)
        {
            seen.TryRemove(message.WorkerId, out _);
        }
        else if (message.WorkerId != messaging.Value.NodeId)
        {
            seen[message.WorkerId] = time.GetTimestamp();
        }

        return Task.CompletedTask;
    }
}

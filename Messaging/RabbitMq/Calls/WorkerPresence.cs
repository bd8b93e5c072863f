using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.RabbitMq.Calls;

/// <summary>
/// Watches the workers that calls wait for. A run longer than some milliseconds tells its worker, and ends as worker_lost when
/// that worker's own queue is gone. A shorter one tells nothing: if a worker that served the function of late is gone, a call
/// that was sent before and of which nothing is heard for a while longer was probably running there.
/// </summary>
internal sealed class WorkerPresence(CallTable calls, TimeProvider time, ILogger<WorkerPresence> logger)
{
    /// <summary>A call that was only waiting in the lost worker's hands is delivered again and heard of within this.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(3);

    /// <summary>Workers that said nothing for so long are not asked about, unless a call runs on them.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, Worker> workers = new();

    /// <summary>Something came from a worker.</summary>
    public void Seen(string? workerId)
    {
        if (!string.IsNullOrEmpty(workerId))
        {
            workers.GetOrAdd(workerId, static _ => new Worker()).SeenAt = time.GetTimestamp();
        }
    }

    /// <summary>A worker answered for a function.</summary>
    public void Served(Guid functionId, string workerId)
    {
        if (workers.TryGetValue(workerId, out var worker))
        {
            worker.Functions.TryAdd(functionId, 0);
        }
    }

    /// <summary>The workers to ask about now: those with a started call, and those heard of lately while something waits.</summary>
    public IReadOnlyCollection<string> ToProbe(TimeSpan interval)
    {
        var probed = new HashSet<string>();
        var waiting = false;
        foreach (var call in calls.All)
        {
            if (call.StartedOn is { } workerId)
            {
                probed.Add(workerId);
            }
            else
            {
                waiting |= time.GetElapsedTime(call.SentAt) >= interval;
            }
        }

        foreach (var (workerId, worker) in workers)
        {
            if (time.GetElapsedTime(worker.SeenAt) > Memory)
            {
                workers.TryRemove(workerId, out _);
            }
            else if (waiting)
            {
                probed.Add(workerId);
            }
        }

        return probed;
    }

    /// <summary>A probe came back: the worker's queue is gone, and with it the worker.</summary>
    public void Lost(string routingKey)
    {
        var workerId = routingKey[BrokerNames.Worker("").Length..];
        workers.TryRemove(workerId, out var worker);
        var now = time.GetTimestamp();
        var ended = 0;
        foreach (var call in calls.All)
        {
            if (call.StartedOn == workerId)
            {
                call.Fail(ErrorCode.WorkerLost);
                ended++;
            }
            else if (call.StartedOn is null && call.SuspectUntil == 0 && worker?.Functions.ContainsKey(call.Message.FunctionId) == true)
            {
                call.SuspectUntil = now + (long)(Doubt.TotalSeconds * time.TimestampFrequency);
                ended++;
            }
        }

        if (ended > 0)
        {
            Log.WorkerLost(logger, workerId, ended);
        }
    }

    private sealed class Worker
    {
        public long SeenAt { get; set; }

        /// <summary>Functions that it answered for.</summary>
        public ConcurrentDictionary<Guid, byte> Functions { get; } = new();
    }
}

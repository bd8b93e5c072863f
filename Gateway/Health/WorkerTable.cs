using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Health;

/// <summary>
/// What this gateway heard of workers: who is there, and which functions are warm. Hints from the control bus; the sweep
/// makes up for those that got lost.
/// </summary>
internal sealed class WorkerTable(IOptions<GatewayOptions> options, TimeProvider time)
    : IControlBusHandler<WorkerHeartbeat>, IControlBusHandler<FunctionWarmed>, IControlBusHandler<FunctionCooled>
{
    private static readonly IReadOnlyDictionary<Guid, int> EmptyCounts = new Dictionary<Guid, int>();
    private readonly Lock gate = new();
    private readonly Dictionary<string, Worker> workers = [];

    /// <summary>Workers that were heard of lately, in the order of their ids.</summary>
    public IReadOnlyList<WorkerSeen> List()
    {
        lock (gate)
        {
            RemoveSilent();
            return
            [
                .. workers.Where(pair => pair.Value.Heartbeat is not null)
                    .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                    .Select(pair => pair.Value.Show(pair.Key)),
            ];
        }
    }

    /// <summary>Whether some worker that was heard of lately is warm for the function.</summary>
    public bool IsWarm(Guid functionId)
    {
        lock (gate)
        {
            foreach (var worker in workers.Values)
            {
                if (worker.Warm.Contains(functionId) && !IsSilent(worker))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether some worker that was heard of lately takes work and is not warm for the function.</summary>
    public bool IsColdSomewhere(Guid functionId)
    {
        lock (gate)
        {
            return workers.Values.Any(worker => worker.Heartbeat is { Draining: false } && !worker.Warm.Contains(functionId) && !IsSilent(worker));
        }
    }

    /// <summary>Asynchronous invocations that workers said they hold, by function.</summary>
    /// <param name="exceptWorkerId">The worker of this process, if there is one: its broker knows better than its last heartbeat.</param>
    public IReadOnlyDictionary<Guid, long> CountHeldEvents(string exceptWorkerId)
    {
        lock (gate)
        {
            RemoveSilent();
            var counts = new Dictionary<Guid, long>();
            foreach (var (functionId, count) in workers.Where(pair => pair.Key != exceptWorkerId).SelectMany(pair => pair.Value.Heartbeat?.HeldEvents ?? EmptyCounts))
            {
                counts[functionId] = counts.GetValueOrDefault(functionId) + count;
            }

            return counts;
        }
    }

    public Task HandleAsync(WorkerHeartbeat message, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            RemoveSilent();
            var worker = See(message.WorkerId);
            worker.Heartbeat = message;
            worker.SeenWallTime = time.GetUtcNow();
            worker.Warm = message.Draining ? [] : [.. message.WarmFunctions];
        }

        return Task.CompletedTask;
    }

    public Task HandleAsync(FunctionWarmed message, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            See(message.WorkerId).Warm.Add(message.FunctionId);
        }

        return Task.CompletedTask;
    }

    public Task HandleAsync(FunctionCooled message, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            See(message.WorkerId).Warm.Remove(message.FunctionId);
        }

        return Task.CompletedTask;
    }

    private Worker See(string workerId)
    {
        if (!workers.TryGetValue(workerId, out var worker))
        {
            workers[workerId] = worker = new Worker();
        }

        worker.SeenAt = time.GetTimestamp();
        return worker;
    }

    private bool IsSilent(Worker worker) => time.GetElapsedTime(worker.SeenAt) > options.Value.WorkerTimeout;

    private void RemoveSilent()
    {
        foreach (var (id, worker) in workers)
        {
            if (IsSilent(worker))
            {
                workers.Remove(id);
            }
        }
    }

    private sealed class Worker
    {
        public HashSet<Guid> Warm { get; set; } = [];

        public WorkerHeartbeat? Heartbeat { get; set; }

        public long SeenAt { get; set; }

        public DateTimeOffset SeenWallTime { get; set; }

        public WorkerSeen Show(string id) => new()
        {
            Id = id,
            SeenAt = SeenWallTime,
            WarmFunctions = Warm.Count,
            MemoryBytes = Heartbeat!.MemoryBytes,
            ReservedBytes = Heartbeat.ReservedBytes,
            Runtimes = Heartbeat.Runtimes,
            Draining = Heartbeat.Draining,
            EgressProblem = Heartbeat.EgressProblem,
        };
    }
}

/// <summary>A worker as it was heard of last.</summary>
internal sealed record WorkerSeen
{
    public required string Id { get; init; }

    public required DateTimeOffset SeenAt { get; init; }

    public required int WarmFunctions { get; init; }

    public required long MemoryBytes { get; init; }

    public required long ReservedBytes { get; init; }

    public required IReadOnlyList<string> Runtimes { get; init; }

    public required bool Draining { get; init; }

    public required string? EgressProblem { get; init; }
}

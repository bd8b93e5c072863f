using System.Reflection;
using FaasCluster.Contracts.Api;
using FaasCluster.Gateway.Conservation;
using FaasCluster.Gateway.Maintenance;
using FaasCluster.Messaging;
using FaasCluster.Storage;
using FaasCluster.Storage.Maintenance;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Health;

/// <summary>Checks broker, store and workers.</summary>
internal sealed class StatusReader(
    IMessagingHealth messaging, IStoreMaintenance store, StoreStart start, WorkerTable workers, ConservationMetrics conservation, IOptions<StorageOptions> storage, TimeProvider time)
{
    private static readonly TimeSpan StoreCheckTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StoreCheckTimeout = TimeSpan.FromSeconds(3);
    private readonly SemaphoreSlim storeGate = new(1, 1);
    private string? storeProblem;
    private long? storeCheckedAt;

    public static string Version { get; } =
        typeof(StatusReader).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public async Task<ClusterStatus> ReadAsync(CancellationToken cancellationToken)
    {
        var present = workers.List();
        CheckResult[] checks =
        [
            new() { Name = "broker", Problem = messaging.Problem },
            new() { Name = "store", Problem = start.Problem ?? await CheckStoreAsync(cancellationToken) },
            new() { Name = "workers", Problem = present.Any(worker => !worker.Draining) ? null : "No worker is connected; start one with the same broker and store." },
        ];
        return new ClusterStatus
        {
            Mode = storage.Value.ConnectionString is null ? "embedded" : "cluster",
            Version = Version,
            Ready = checks.All(check => check.Problem is null),
            Checks = checks,
            OpenDeadLetters = conservation.OpenDeadLetters,
            Conservation = conservation.Latest,
            Workers =
            [
                .. present.Select(worker => new WorkerDescription
                {
                    Id = worker.Id,
                    SeenAt = worker.SeenAt,
                    WarmFunctions = worker.WarmFunctions,
                    MemoryMb = worker.MemoryBytes >> 20,
                    ReservedMb = worker.ReservedBytes >> 20,
                    Runtimes = worker.Runtimes,
                    Draining = worker.Draining,
                    EgressProblem = worker.EgressProblem,
                }),
            ],
        };
    }

    // The open readiness route must not let strangers keep the store busy: one check a second, whoever asks.
    private async Task<string?> CheckStoreAsync(CancellationToken cancellationToken)
    {
        await storeGate.WaitAsync(cancellationToken);
        try
        {
            if (storeCheckedAt is not { } at || time.GetElapsedTime(at) >= StoreCheckTime)
            {
                using var timeout = new CancellationTokenSource(StoreCheckTimeout, time);
                try
                {
                    storeProblem = await store.CheckAsync(timeout.Token);
                }
                catch (OperationCanceledException)
                {
                    storeProblem = $"The store did not answer within {StoreCheckTimeout.TotalSeconds:0} s; look at its load and at the network.";
                }

                storeCheckedAt = time.GetTimestamp();
            }

            return storeProblem;
        }
        finally
        {
            storeGate.Release();
        }
    }
}

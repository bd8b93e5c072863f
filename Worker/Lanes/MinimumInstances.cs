using System.Security.Cryptography;
using System.Text;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;

namespace FaasCluster.Worker.Lanes;

/// <summary>
/// Keeps sandboxes loaded of the functions that ask for it (<see cref="FunctionManifest.MinInstances"/>). Every worker computes
/// its own share from who is alive; nobody hands them out, so nobody can fail to.
/// </summary>
internal sealed class MinimumInstances(LaneTable lanes, LaneServices services, IFunctionStore functions, WorkerPeers peers) : IControlBusHandler<FunctionChanged>
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim changed = new(0, 1);
    private Dictionary<Guid, FunctionRevision> kept = [];

    /// <summary>Looks after them until the token is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                Apply(await functions.ListKeptLoadedAsync(cancellationToken));
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.MinimumUnknown(services.Logger, exception);
            }

            await changed.WaitAsync(LookInterval, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task HandleAsync(FunctionChanged message, CancellationToken cancellationToken)
    {
        if (changed.CurrentCount == 0)
        {
            try
            {
                changed.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another change said so at the same moment.
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// How many of the function's instances are one worker's. All who know the same workers come to the same shares: the workers are
    /// ordered by a hash that is another one for every function, and take turns. When one goes, little moves.
    /// </summary>
    internal static int ShareOf(string workerId, Guid functionId, int instances, IEnumerable<string> workers)
    {
        var ordered = workers.OrderBy(id => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{functionId} {id}"))), StringComparer.Ordinal).ToList();
        var place = ordered.IndexOf(workerId);
        return place < 0 ? 0 : (instances + ordered.Count - 1 - place) / ordered.Count;
    }

    private void Apply(IReadOnlyList<FunctionRevision> wanted)
    {
        var now = new Dictionary<Guid, FunctionRevision>();
        foreach (var revision in wanted)
        {
            var manifest = revision.Manifest;
            var able = peers.Able(manifest.Runtime, manifest.MemoryBytes).ToList();
            if (services.CanRun(revision))
            {
                able.Add(services.WorkerId);
            }

            if (ShareOf(services.WorkerId, revision.FunctionId, manifest.MinInstances, able) is var share and > 0)
            {
                now.Add(revision.FunctionId, revision);
                lanes.Keep(revision.FunctionId, share, revision.Revision);
            }
        }

        foreach (var (functionId, revision) in kept.Where(before => !now.ContainsKey(before.Key)))
        {
            lanes.Keep(functionId, 0, revision.Revision);
        }

        kept = now;
    }
}

using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Gateway.Health;

namespace FaasCluster.Gateway.Functions;

/// <summary>Turns revisions into the API's documents.</summary>
internal sealed class FunctionDescriptions(WorkerTable workers)
{
    public FunctionDescription Describe(FunctionRevision revision, HttpRequest request)
    {
        var manifest = revision.Manifest;
        return new FunctionDescription
        {
            Name = manifest.Name,
            Id = revision.FunctionId,
            Revision = revision.Revision,
            Runtime = manifest.Runtime,
            Handler = manifest.Handler,
            Signature = manifest.Signature.ToString().ToLowerInvariant(),
            MemoryMb = manifest.MemoryBytes >> 20,
            WaitTimeoutMs = (long)manifest.WaitTimeout.TotalMilliseconds,
            InitTimeoutMs = (long)manifest.InitTimeout.TotalMilliseconds,
            TimeoutMs = (long)manifest.Timeout.TotalMilliseconds,
            Concurrency = manifest.Concurrency,
            MinInstances = manifest.MinInstances > 0 ? manifest.MinInstances : null,
            QueueLimit = manifest.QueueLimit,
            Network = manifest.Network.ToString().ToLowerInvariant(),
            UrlAuth = manifest.UrlAuth.ToString().ToLowerInvariant(),
            Environment = [.. manifest.Environment.Keys.Order(StringComparer.Ordinal)],
            Retries = manifest.Retries.Attempts,
            AtMostOnce = manifest.Retries.AtMostOnce ? true : null,
            KeepEvents = manifest.KeepEvents.ToString().ToLowerInvariant(),
            OnSuccess = Describe(manifest.OnSuccess),
            OnFailure = Describe(manifest.OnFailure),
            PackageBytes = revision.PackageBytes,
            PackageSha256 = revision.PackageSha256,
            DeployedAt = revision.CreatedAt,
            Url = $"{request.Scheme}://{request.Host}/fn/{manifest.Name}",
            Warnings = [.. Warnings(manifest)],
        };
    }

    private static string? Describe(Destination? destination) => destination switch
    {
        null => null,
        { Function: { } function } => $"function {function}",
        { Exchange: "" } => $"queue {destination.RoutingKey} ({destination.Connection})",
        _ => $"exchange {destination.Exchange} {destination.RoutingKey} ({destination.Connection})",
    };

    private IEnumerable<string> Warnings(FunctionManifest manifest)
    {
        var present = workers.List().Where(worker => !worker.Draining).ToArray();
        if (present.Length == 0)
        {
            yield return "No worker is connected, so calls wait; start one.";
            yield break;
        }

        var able = present.Where(worker => worker.Runtimes.Contains(manifest.Runtime)).ToArray();
        if (able.Length == 0)
        {
            yield return $"No connected worker offers the runtime {manifest.Runtime}, so calls wait; install it on a worker. Offered are: {string.Join(", ", present.SelectMany(worker => worker.Runtimes).Distinct().Order(StringComparer.Ordinal))}.";
        }
        else if (able.All(worker => worker.MemoryBytes < manifest.MemoryBytes))
        {
            yield return $"No connected worker has {manifest.MemoryBytes >> 20} MB for its sandboxes, so calls end with no_capacity; the largest has {able.Max(worker => worker.MemoryBytes) >> 20} MB.";
        }

        if (manifest.NetworkIsRequired && Array.FindAll(able, worker => worker.EgressProblem is not null) is [var closed, ..] all)
        {
            yield return $"It asks for 'network: egress', and {(all.Length == able.Length ? "no connected worker" : "not every connected worker")} can give it: on worker {closed.Id} calls end with init_error. {closed.EgressProblem}";
        }
    }
}

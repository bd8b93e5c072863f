namespace FaasCluster.Contracts.Api;

/// <summary>A function with its current revision, as the API answers it.</summary>
public sealed record FunctionDescription
{
    /// <summary>The function's name.</summary>
    public required string Name { get; init; }

    /// <summary>The function's id, stable over revisions.</summary>
    public required Guid Id { get; init; }

    /// <summary>The current revision, from 1.</summary>
    public required int Revision { get; init; }

    /// <summary>The runtime id.</summary>
    public required string Runtime { get; init; }

    /// <summary>What is called.</summary>
    public required string Handler { get; init; }

    /// <summary>auto, event or http.</summary>
    public required string Signature { get; init; }

    /// <summary>Memory in MB (2^20 bytes).</summary>
    public required long MemoryMb { get; init; }

    /// <summary>Longest wait of a synchronous call for its start, in ms: the wait deadline.</summary>
    public required long WaitTimeoutMs { get; init; }

    /// <summary>Longest load of the code, in ms: the init deadline.</summary>
    public required long InitTimeoutMs { get; init; }

    /// <summary>Longest run, in ms: the run deadline.</summary>
    public required long TimeoutMs { get; init; }

    /// <summary>Most invocations that run at once in the cluster; null without a limit.</summary>
    public int? Concurrency { get; init; }

    /// <summary>Sandboxes that are kept loaded in the cluster; null if it may cool down.</summary>
    public int? MinInstances { get; init; }

    /// <summary>Most asynchronous invocations that wait in its queue before further ones are refused; null for no limit of its own.</summary>
    public int? QueueLimit { get; init; }

    /// <summary>none or egress: where it may connect to.</summary>
    public required string Network { get; init; }

    /// <summary>key or none: who may call the URL.</summary>
    public required string UrlAuth { get; init; }

    /// <summary>Names of its environment variables; values are not returned.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>Retries of asynchronous invocations after the first attempt.</summary>
    public required int Retries { get; init; }

    /// <summary>True if an asynchronous invocation must not run twice (<c>retries: never</c>); null if it may, or from a gateway that does not say.</summary>
    public bool? AtMostOnce { get; init; }

    /// <summary>all or failures: which events of ended asynchronous invocations are kept; null from a gateway that does not say.</summary>
    public string? KeepEvents { get; init; }

    /// <summary>Whom the end of a successful asynchronous invocation is told: "function NAME", "queue NAME (CONNECTION)" or "exchange NAME KEY (CONNECTION)"; null for nobody.</summary>
    public string? OnSuccess { get; init; }

    /// <summary>The same of one that did not succeed.</summary>
    public string? OnFailure { get; init; }

    /// <summary>The package's size in bytes.</summary>
    public required long PackageBytes { get; init; }

    /// <summary>SHA-256 of the package, lower-case hex.</summary>
    public required string PackageSha256 { get; init; }

    /// <summary>When the revision was deployed.</summary>
    public required DateTimeOffset DeployedAt { get; init; }

    /// <summary>Where it is called.</summary>
    public required string Url { get; init; }

    /// <summary>What the operator of this cluster should know about it, for people; empty if all is well.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

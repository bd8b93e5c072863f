namespace FaasCluster.Contracts.Functions;

/// <summary>One deployed version of a function. Nothing of it ever changes.</summary>
public sealed record FunctionRevision
{
    /// <summary>The function, a UUID version 7, stable over revisions.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>The account that owns it.</summary>
    public required string AccountId { get; init; }

    /// <summary>Counts from 1 within the function.</summary>
    public required int Revision { get; init; }

    /// <summary>What was deployed.</summary>
    public required FunctionManifest Manifest { get; init; }

    /// <summary>SHA-256 of the package, 64 lower-case hex digits: its key in the package store.</summary>
    public required string PackageSha256 { get; init; }

    /// <summary>The package's size in bytes.</summary>
    public required long PackageBytes { get; init; }

    /// <summary>When it was deployed.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

namespace FaasCluster.Gateway.Functions;

/// <summary>The parts of a deployment as they were sent.</summary>
internal sealed record DeployForm
{
    /// <summary>The package or the one source file.</summary>
    public required byte[] Package { get; init; }

    /// <summary>The file name that came with it; null if none did.</summary>
    public string? FileName { get; init; }

    /// <summary>The manifest; null if it is in the package.</summary>
    public string? Manifest { get; init; }

    /// <summary>Whether the package is a zip file rather than one source file.</summary>
    public bool IsZip => FileName is null
        ? Package.AsSpan().StartsWith("PK"u8)
        : FileName.EndsWith(".zip", StringComparison.OrdinalIgnoreCase);
}

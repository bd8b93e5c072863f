namespace FaasCluster.Worker.Packages;

/// <summary>A stored package is missing, damaged or hostile.</summary>
internal sealed class PackageException(string message) : Exception(message);

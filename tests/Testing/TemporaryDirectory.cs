using FaasCluster.Processes;

namespace FaasCluster.Testing;

/// <summary>A directory of its own for one test, removed with everything in it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("faas-test-").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directories.Delete(Path);
}

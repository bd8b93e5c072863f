namespace FaasCluster.Worker.Packages;

/// <summary>An unpacked package that stays on disk until this is disposed.</summary>
internal sealed class PackageLease(string directory, IReadOnlyList<string> files, Action release) : IDisposable
{
    private Action? release = release;

    /// <summary>The package's files.</summary>
    public string Directory => directory;

    /// <summary>Their paths below it, directories first where they are needed and ending in '/'.</summary>
    public IReadOnlyList<string> Files => files;

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();
}

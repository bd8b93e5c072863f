using System.Collections.Concurrent;

namespace FaasCluster.Worker.Packages;

/// <summary>An unpacked package that stays on disk until this is disposed.</summary>
/// <param name="directory">Where it lies.</param>
/// <param name="files">See <see cref="Files"/>.</param>
/// <param name="findings">What was found out about it, shared by its leases.</param>
/// <param name="release">Called when this is disposed.</param>
internal sealed class PackageLease(string directory, IReadOnlyList<string> files, ConcurrentDictionary<string, object?> findings, Action release) : IDisposable
{
    private Action? release = release;

    /// <summary>The package's files.</summary>
    public string Directory => directory;

    /// <summary>Their paths below it, directories first where they are needed and ending in '/'.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>Looks at the files once for as long as the package stays unpacked: nothing changes them.</summary>
    /// <param name="what">Names the question.</param>
    /// <param name="look">Answers it.</param>
    public T Find<T>(string what, Func<PackageLease, T> look) => (T)findings.GetOrAdd(what, static (_, state) => state.look(state.package), (package: this, look))!;

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();
}

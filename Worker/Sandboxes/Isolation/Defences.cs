using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>
/// What keeps functions in. All of it is on, always: no setting reaches this. Tests switch one off at a time, in a namespace to be thrown
/// away, to show that the attack which it stops succeeds without it.
/// </summary>
internal sealed record Defences
{
    /// <summary>The seccomp filter.</summary>
    public bool SystemCalls { get; init; } = true;

    /// <summary>No user namespaces within, whatever the filter says.</summary>
    public bool NestedNamespaces { get; init; } = true;

    /// <summary>A user of its own for each sandbox of a worker that is root.</summary>
    public bool OwnUser { get; init; } = true;

    /// <summary>An empty environment for the program that makes the walls.</summary>
    public bool EmptyEnvironment { get; init; } = true;

    /// <summary>No open descriptor but those that a sandbox is given.</summary>
    public bool ClosedDescriptors { get; init; } = true;

    /// <summary>A process-id namespace.</summary>
    public bool ProcessNamespace { get; init; } = true;

    /// <summary>Read-only mounts of what is the host's or the package's.</summary>
    public bool ReadOnlyMounts { get; init; } = true;

    /// <summary>Sizes of /tmp and /dev/shm.</summary>
    public bool FileSizes { get; init; } = true;

    /// <summary>The number of open descriptors.</summary>
    public bool Descriptors { get; init; } = true;

    /// <summary>A cgroup with limits of memory and processes, by which everything in it can be killed.</summary>
    public bool Cgroup { get; init; } = true;

    /// <summary>The limit of what one invocation's log keeps of its output.</summary>
    public bool LogLimit { get; init; } = true;

    /// <summary>Unpacks a package into a new directory and says what is wrong with it, having checked every entry.</summary>
    public Func<ReadOnlyMemory<byte>, string, IReadOnlyList<FieldError>> Unpack { get; init; } = PackageReader.Extract;

    /// <summary>The canary: without it the worker would not take work with anything else switched off.</summary>
    public bool Canary { get; init; } = true;

    /// <summary>Everything.</summary>
    public static Defences All { get; } = new();
}

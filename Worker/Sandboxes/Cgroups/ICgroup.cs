namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>How firmly the kernel holds a function to its memory.</summary>
public enum MemoryEnforcement
{
    /// <summary>Memory and swap of all its processes together.</summary>
    Full,

    /// <summary>Memory of all its processes together; the kernel does not account swap, so what is swapped out is not counted.</summary>
    WithoutSwap,

    /// <summary>Each process alone by its resource limits; several processes together can use more. There is no writable cgroup.</summary>
    PerProcess,
}

/// <summary>Makes the cgroups of one worker.</summary>
internal interface ICgroupHierarchy
{
    /// <summary>For people: which kind, and where.</summary>
    string Description { get; }

    /// <summary>How firmly the limits of its cgroups hold.</summary>
    MemoryEnforcement Enforcement { get; }

    /// <summary>Makes an empty cgroup.</summary>
    /// <exception cref="IOException">The kernel refuses; the message names the file, what was expected and what it holds.</exception>
    ICgroup Create(string name);

    /// <summary>Kills and removes every cgroup that a worker of this name left.</summary>
    Task SweepAsync(CancellationToken cancellationToken);

    /// <summary>Removes the directory that holds the cgroups, if it is empty.</summary>
    void Remove();
}

/// <summary>The limits of one sandbox.</summary>
/// <param name="MemoryBytes">Memory of all processes with their files in memory, swap included.</param>
/// <param name="Pids">Processes and threads.</param>
/// <param name="Cores">CPU time per time; null for no limit.</param>
internal sealed record CgroupLimits(long MemoryBytes, int Pids, double? Cores);

/// <summary>The cgroup of one sandbox.</summary>
internal interface ICgroup
{
    /// <summary>The files into which a process writes 0 to join.</summary>
    IReadOnlyList<string> ProcsFiles { get; }

    /// <summary>Sets all limits.</summary>
    /// <exception cref="IOException">The kernel refuses, for memory also when more is in use already.</exception>
    void SetLimits(CgroupLimits limits);

    /// <summary>Sets the memory limit alone: all that differs between a booted sandbox and the function that takes it.</summary>
    /// <exception cref="IOException">More is in use already.</exception>
    void SetMemory(long bytes);

    /// <summary>Sets what it gets of a core that others want too, in proportion to memory.</summary>
    void SetShare(long memoryBytes);

    /// <summary>Sets the CPU limit alone.</summary>
    void SetCores(double? cores);

    /// <summary>CPU used since the cgroup was made; null where nobody counts.</summary>
    TimeSpan? ReadCpuTime();

    /// <summary>Forgets the peak so far; false where the kernel cannot.</summary>
    bool ResetPeakMemory();

    /// <summary>The peak since it was reset or the cgroup was made; null where nobody counts.</summary>
    long? ReadPeakMemory();

    /// <summary>How often the kernel killed a process in it for memory.</summary>
    long ReadOutOfMemoryKills();

    /// <summary>Kills every process in it.</summary>
    void Kill();

    /// <summary>Waits until it is empty, killing again what still comes up, and removes it.</summary>
    Task RemoveAsync(CancellationToken cancellationToken);
}

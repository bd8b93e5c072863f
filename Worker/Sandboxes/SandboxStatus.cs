using FaasCluster.Worker.Sandboxes.Cgroups;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>What this worker's sandboxes are and enforce, for readiness, the start banner and whoever checks a deploy.</summary>
public sealed class SandboxStatus
{
    /// <summary>Null if the sandboxes hold; else what is wrong and what to do. "It is starting." until the canary has ended.</summary>
    public string? Problem { get; internal set; } = "It is starting.";

    /// <summary>For people: "bubblewrap 0.8.0".</summary>
    public string Isolation { get; internal set; } = "";

    /// <summary>For people: which cgroups are used, and why none if so.</summary>
    public string Cgroups { get; internal set; } = "";

    /// <summary>How firmly the kernel holds functions to their memory.</summary>
    public MemoryEnforcement MemoryEnforcement { get; internal set; }

    /// <summary>Why functions cannot be connected to the outside, and what to do; null if they can.</summary>
    public string? EgressProblem { get; internal set; }

    /// <summary>Runtimes that this worker can run.</summary>
    public IReadOnlyList<string> Runtimes { get; internal set; } = [];
}

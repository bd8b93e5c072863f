namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>
/// What a function gets of a core that several want: as its memory to theirs, one part for each MB. Only sandboxes stand beside each
/// other in the worker's cgroup, so nothing else is weighed against them.
/// </summary>
internal static class CpuWeight
{
    /// <summary>For cpu.shares: 2 to 262,144.</summary>
    public static long V1(long memoryBytes) => Math.Clamp(memoryBytes >> 20, 2, 262_144);

    /// <summary>For cpu.weight: 1 to 10,000.</summary>
    public static long V2(long memoryBytes) => Math.Clamp(memoryBytes >> 20, 1, 10_000);
}

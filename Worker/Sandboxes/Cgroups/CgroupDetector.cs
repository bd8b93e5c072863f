namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>Finds out which cgroups this worker may make.</summary>
internal static class CgroupDetector
{
    /// <summary>Version 1 if the memory controller is there (also on hybrid hosts), else version 2, else none.</summary>
    /// <param name="parent">The cgroup below which to work, as a path in each hierarchy; null for the worker's own.</param>
    /// <param name="name">The worker's directory below it.</param>
    public static ICgroupHierarchy Detect(string? parent, string name)
    {
        var mounts = CgroupMounts.Parse(File.ReadAllText("/proc/self/mountinfo"), File.ReadAllText("/proc/self/cgroup"));
        string? problem;
        if (mounts.FindV1("memory", parent) is not null)
        {
            return CgroupV1Hierarchy.TryCreate(mounts, parent, name, out problem) ?? (ICgroupHierarchy)new NoCgroups(problem!);
        }

        if (mounts.FindV2(parent) is not { } own)
        {
            return new NoCgroups("none is mounted");
        }

        return CgroupV2Hierarchy.TryCreate(own, name, out problem) ?? (ICgroupHierarchy)new NoCgroups(problem!);
    }
}

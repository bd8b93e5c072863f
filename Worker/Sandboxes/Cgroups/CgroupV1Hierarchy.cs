namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>Version 1, alone or beside version 2 (hybrid): one directory per controller.</summary>
internal sealed class CgroupV1Hierarchy : ICgroupHierarchy
{
    private static readonly string[] Controllers = ["memory", "pids", "cpu", "cpuacct", "freezer"];

    private readonly Dictionary<string, string> roots;

    private CgroupV1Hierarchy(Dictionary<string, string> roots) => this.roots = roots;

    /// <inheritdoc/>
    public string Description => $"cgroup v1 ({string.Join(", ", roots.Keys)}) below {Path.GetDirectoryName(roots["memory"])}";

    /// <inheritdoc/>
    public MemoryEnforcement Enforcement =>
        File.Exists(Path.Combine(roots["memory"], "memory.memsw.limit_in_bytes")) ? MemoryEnforcement.Full : MemoryEnforcement.WithoutSwap;

    /// <summary>Makes the worker's directory below every writable controller.</summary>
    /// <param name="mounts">Where the controllers are.</param>
    /// <param name="parent">The cgroup below which to work; null for the worker's own.</param>
    /// <param name="name">The worker's directory.</param>
    /// <param name="problem">Why it cannot be used, if it cannot: memory and pids are needed, the others are not.</param>
    public static CgroupV1Hierarchy? TryCreate(CgroupMounts mounts, string? parent, string name, out string? problem)
    {
        var roots = new Dictionary<string, string>();
        foreach (var controller in Controllers)
        {
            if (mounts.FindV1(controller, parent) is not { } directory)
            {
                if (controller is "memory" or "pids")
                {
                    problem = $"the version 1 controller {controller} is not mounted";
                    return null;
                }

                continue;
            }

            var root = Path.Combine(directory, name);
            try
            {
                Directory.CreateDirectory(root);
                if (controller == "memory" && File.Exists(Path.Combine(root, "memory.use_hierarchy")))
                {
                    CgroupFile.Write(Path.Combine(root, "memory.use_hierarchy"), "1");
                }

                roots[controller] = root;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (controller is "memory" or "pids")
                {
                    problem = $"'{root}' cannot be made: {exception.Message}";
                    return null;
                }
            }
        }

        problem = null;
        return new CgroupV1Hierarchy(roots);
    }

    /// <inheritdoc/>
    public ICgroup Create(string name)
    {
        var directories = roots.ToDictionary(root => root.Key, root => Path.Combine(root.Value, name));
        foreach (var directory in directories.Values)
        {
            Directory.CreateDirectory(directory);
        }

        return new CgroupV1(directories);
    }

    /// <inheritdoc/>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var names = roots.Values.SelectMany(Directory.GetDirectories).Select(Path.GetFileName).Distinct().ToList();
        foreach (var name in names)
        {
            // A killed worker may have got no further than some of the directories.
            var cgroup = Create(name!);
            cgroup.Kill();
            await cgroup.RemoveAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Remove() => CgroupDirectory.TryRemove(roots.Values);
}

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>Version 2: one directory, below a subtree that was delegated to the worker (systemd: Delegate=yes; containers: a writable /sys/fs/cgroup).</summary>
internal sealed class CgroupV2Hierarchy : ICgroupHierarchy
{
    /// <summary>Where the worker moves itself: a cgroup with processes of its own cannot hand controllers down.</summary>
    public const string WorkerLeaf = "faascluster-worker";

    private static readonly string[] Needed = ["memory", "pids"];
    private static readonly string[] Wanted = ["memory", "pids", "cpu"];

    private readonly string root;

    private CgroupV2Hierarchy(string root) => this.root = root;

    /// <inheritdoc/>
    public string Description => $"cgroup v2 at {root}";

    /// <inheritdoc/>
    public MemoryEnforcement Enforcement =>
        !File.Exists("/proc/swaps") || File.ReadLines("/proc/swaps").Count() <= 1 || IsAccounted(root) ? MemoryEnforcement.Full : MemoryEnforcement.WithoutSwap;

    /// <summary>Makes the worker's directory and hands the controllers down to it.</summary>
    /// <param name="own">The directory of the worker's own cgroup, or of the one that is to be used.</param>
    /// <param name="name">The worker's directory.</param>
    /// <param name="problem">Why it cannot be used, if it cannot.</param>
    public static CgroupV2Hierarchy? TryCreate(string own, string name, out string? problem)
    {
        // Another worker of the same service was here first and moved this one along.
        var parent = Path.GetFileName(own) == WorkerLeaf ? Path.GetDirectoryName(own)! : own;
        try
        {
            var controllers = File.ReadAllText(Path.Combine(parent, "cgroup.controllers")).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
            if (Needed.Except(controllers).ToList() is { Count: > 0 } missing)
            {
                problem = $"{Path.Combine(parent, "cgroup.controllers")} holds '{string.Join(' ', controllers)}'; expected {string.Join(" and ", missing)} too: delegate them to the worker";
                return null;
            }

            HandDown(parent, [.. Wanted.Intersect(controllers)]);
            var root = Path.Combine(parent, name);
            Directory.CreateDirectory(root);
            HandDown(root, [.. Wanted.Intersect(controllers)]);
            problem = null;
            return new CgroupV2Hierarchy(root);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = exception.Message;
            return null;
        }
    }

    /// <inheritdoc/>
    public ICgroup Create(string name)
    {
        var directory = Path.Combine(root, name);
        Directory.CreateDirectory(directory);
        return new CgroupV2(directory);
    }

    /// <inheritdoc/>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var directory in Directory.GetDirectories(root))
        {
            var cgroup = new CgroupV2(directory);
            cgroup.Kill();
            await cgroup.RemoveAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Remove() => CgroupDirectory.TryRemove([root]);

    private static void HandDown(string directory, IReadOnlyList<string> controllers)
    {
        var control = Path.Combine(directory, "cgroup.subtree_control");
        var missing = controllers.Except(File.ReadAllText(control).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)).ToList();
        if (missing.Count == 0)
        {
            return;
        }

        // "No internal processes": what is in this cgroup moves to a leaf before it hands controllers down. The root is exempt
        // and has no cgroup.type; there, moving would only be in the way.
        var processes = File.ReadAllText(Path.Combine(directory, "cgroup.procs")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (processes.Length > 0 && File.Exists(Path.Combine(directory, "cgroup.type")))
        {
            var leaf = Path.Combine(directory, WorkerLeaf);
            Directory.CreateDirectory(leaf);
            foreach (var process in processes)
            {
                CgroupFile.Write(Path.Combine(leaf, "cgroup.procs"), process);
            }
        }

        CgroupFile.Write(control, string.Join(' ', missing.Select(controller => "+" + controller)));
    }

    private static bool IsAccounted(string directory) => File.Exists(Path.Combine(directory, "memory.swap.max"));
}

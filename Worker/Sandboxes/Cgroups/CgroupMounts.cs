namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>
/// Where the worker's own cgroups lie in the file system, from /proc/self/mountinfo (proc(5)) and /proc/self/cgroup (cgroups(7)).
/// </summary>
internal sealed class CgroupMounts
{
    private readonly Dictionary<string, (string MountPoint, string Root)> v1 = [];
    private readonly Dictionary<string, string> paths = [];
    private (string MountPoint, string Root)? v2;

    private CgroupMounts()
    {
    }

    /// <summary>Reads both files' text.</summary>
    public static CgroupMounts Parse(string mountInfo, string cgroup)
    {
        var mounts = new CgroupMounts();
        foreach (var line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 36 35 98:0 /root /mount/point rw,noatime optional:1 - type source superoptions
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-", 6 > fields.Length ? 0 : 6);
            if (separator < 0 || fields.Length < separator + 4)
            {
                continue;
            }

            var place = (MountPoint: Unescape(fields[4]), Root: Unescape(fields[3]));
            if (fields[separator + 1] == "cgroup2")
            {
                mounts.v2 ??= place;
            }
            else if (fields[separator + 1] == "cgroup")
            {
                foreach (var option in fields[separator + 3].Split(','))
                {
                    mounts.v1.TryAdd(option, place);
                }
            }
        }

        foreach (var line in cgroup.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 4:memory:/path, 2:cpu,cpuacct:/path, 0::/path of version 2
            var fields = line.Split(':', 3);
            if (fields.Length == 3)
            {
                foreach (var controller in fields[1].Split(','))
                {
                    mounts.paths[controller] = fields[2];
                }
            }
        }

        return mounts;
    }

    /// <summary>The directory of the worker's own cgroup of a version 1 controller, or of another cgroup; null if it is not mounted.</summary>
    /// <param name="controller">For example "memory".</param>
    /// <param name="path">The cgroup's path; null for the worker's own.</param>
    public string? FindV1(string controller, string? path = null) =>
        v1.TryGetValue(controller, out var mount) && (path ?? paths.GetValueOrDefault(controller)) is { } own ? Locate(mount, own) : null;

    /// <summary>The same for version 2.</summary>
    public string? FindV2(string? path = null) =>
        v2 is { } mount && (path ?? paths.GetValueOrDefault("")) is { } own ? Locate(mount, own) : null;

    private static string Locate((string MountPoint, string Root) mount, string path)
    {
        // In a container the mount shows a part of the hierarchy, and the path may be told from the hierarchy's root.
        if (mount.Root != "/" && (path == mount.Root || path.StartsWith(mount.Root + "/", StringComparison.Ordinal)))
        {
            path = path[mount.Root.Length..];
        }

        return Path.TrimEndingDirectorySeparator(Path.Join(mount.MountPoint, path));
    }

    private static string Unescape(string text) =>
        text.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\");
}

using System.Globalization;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>What a process has started, from /proc.</summary>
internal static class ProcessTree
{
    /// <summary>Every process below the given one.</summary>
    public static IReadOnlyList<int> Below(int process)
    {
        var parents = Parents();
        var found = new List<int>();
        var frontier = new Queue<int>([process]);
        while (frontier.TryDequeue(out var parent))
        {
            foreach (var (child, _) in parents.Where(pair => pair.Value == parent))
            {
                found.Add(child);
                frontier.Enqueue(child);
            }
        }

        return found;
    }

    /// <summary>Control groups that a worker made: their names carry its process id.</summary>
    public static IReadOnlyList<string> CgroupsOf(int process) => Directory.Exists("/sys/fs/cgroup")
        ? [.. Directory.EnumerateDirectories("/sys/fs/cgroup", $"*faas*{process}*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 6, IgnoreInaccessible = true })
            .SelectMany(directory => Directory.EnumerateDirectories(directory))]
        : [];

    private static Dictionary<int, int> Parents()
    {
        var parents = new Dictionary<int, int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var id))
            {
                continue;
            }

            try
            {
                var stat = File.ReadAllText(Path.Combine(directory, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[0] != "Z")
                {
                    parents[id] = int.Parse(fields[1], CultureInfo.InvariantCulture);
                }
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }
        }

        return parents;
    }
}

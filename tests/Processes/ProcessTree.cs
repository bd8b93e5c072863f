using System.Globalization;

namespace FaasCluster.Processes;

/// <summary>What a process has started, from /proc.</summary>
public static class ProcessTree
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

    /// <summary>Directories of the sandboxes' control groups that processes below the given one are in.</summary>
    public static IReadOnlyList<string> CgroupsBelow(int process)
    {
        var found = new HashSet<string>();
        foreach (var child in Below(process))
        {
            string[] lines;
            try
            {
                lines = File.ReadAllLines($"/proc/{child}/cgroup");
            }
            catch (IOException)
            {
                continue;
            }

            foreach (var fields in lines.Select(line => line.Split(':', 3)).Where(fields => fields[2].Contains("faascluster-", StringComparison.Ordinal)))
            {
                found.Add(Path.Join("/sys/fs/cgroup", fields[1], fields[2]));
            }
        }

        return [.. found.Where(Directory.Exists)];
    }

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

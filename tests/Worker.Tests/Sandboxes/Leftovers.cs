using System.Text;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Looks for what a sandbox of a fixture's worker may have left on this host, beside the pooled ones.</summary>
internal static class Leftovers
{
    /// <summary>Processes, cgroups and directories of sandboxes that are neither pooled nor in use.</summary>
    public static IReadOnlyList<string> Of(SandboxFixture fixture)
    {
        var running = fixture.Host.Launcher.Running;
        var (pooled, name) = (fixture.Host.Pools.Ready, fixture.Host.Name);
        if (running != pooled)
        {
            return [$"{running} sandboxes, {pooled} of them pooled"];
        }

        return
        [
            .. Exceeding("processes", Processes(name), running),
            .. CgroupsOf(name).GroupBy(path => Path.GetDirectoryName(path)).SelectMany(group => Exceeding("cgroups", [.. group], running)),
            .. Exceeding("directories", Directory.GetDirectories(Path.Combine(fixture.Root, "state"), "slot-*", SearchOption.AllDirectories), running),
        ];
    }

    /// <summary>bubblewraps outside their sandboxes that were started by a worker of this name.</summary>
    public static IReadOnlyList<string> Processes(string name)
    {
        var found = new List<string>();
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            try
            {
                var command = File.ReadAllBytes(Path.Combine(directory, "cmdline"));
                var parent = File.ReadLines(Path.Combine(directory, "status")).First(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..].Trim();
                var isFirst = command.AsSpan().IndexOf(Encoding.UTF8.GetBytes(name)) >= 0
                    && !(File.Exists($"/proc/{parent}/cmdline") && File.ReadAllBytes($"/proc/{parent}/cmdline").AsSpan().IndexOf(Encoding.UTF8.GetBytes(name)) >= 0);
                if (isFirst)
                {
                    found.Add($"{Path.GetFileName(directory)}: {Encoding.UTF8.GetString(command).Replace('\0', ' ')}");
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                // Not a process, or gone.
            }
        }

        return found;
    }

    /// <summary>Cgroups of sandboxes of a worker of this name.</summary>
    public static IReadOnlyList<string> CgroupsOf(string name) => !Directory.Exists("/sys/fs/cgroup")
        ? []
        : [.. Directory.GetDirectories("/sys/fs/cgroup", name, new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).SelectMany(Directory.GetDirectories)];

    private static IEnumerable<string> Exceeding(string what, IReadOnlyList<string> found, int expected) =>
        found.Count > expected ? [$"{found.Count} {what}, {expected} expected: {string.Join(" | ", found)}"] : [];
}

using System.Diagnostics;
using FaasCluster.Chaos.Platforms;

namespace FaasCluster.Chaos.Checking;

/// <summary>What a platform whose hosts have ended must not leave on the machine.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>What is still there after the given time, at most: what was killed is gone a moment later.</summary>
    public static async Task<IReadOnlyList<string>> WaitAsync(Platform platform, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var left = Of(platform).ToList();
            if (left.Count == 0 || clock.Elapsed > patience)
            {
                return left;
            }

            await Task.Delay(Interval);
        }
    }

    private static IEnumerable<string> Of(Platform platform)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            if (IsSandbox(process, platform))
            {
                yield return $"process {Path.GetFileName(process)}";
            }
        }

        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        foreach (var group in Directory.EnumerateDirectories("/sys/fs/cgroup", platform.SandboxName + "*", everywhere))
        {
            yield return $"cgroup {group}";
        }

        foreach (var mount in File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(platform.SandboxDirectory, StringComparison.Ordinal)))
        {
            yield return $"mount {mount}";
        }

        foreach (var slots in Directory.Exists(platform.SandboxDirectory) ? Directory.EnumerateDirectories(platform.SandboxDirectory) : [])
        {
            var directory = Path.Combine(slots, "slots");
            foreach (var slot in Directory.Exists(directory) ? Directory.EnumerateDirectories(directory) : [])
            {
                yield return $"directory {slot}";
            }
        }
    }

    private static bool IsSandbox(string process, Platform platform)
    {
        try
        {
            var state = File.ReadAllText(Path.Combine(process, "stat")).Split(')')[^1].Trim()[0];
            return state is not ('Z' or 'X')
                && (File.ReadAllText(Path.Combine(process, "cgroup")).Contains(platform.SandboxName, StringComparison.Ordinal)
                    || File.ReadAllText(Path.Combine(process, "cmdline")).Contains(platform.SandboxName, StringComparison.Ordinal));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

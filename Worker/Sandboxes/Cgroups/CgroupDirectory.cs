using System.Globalization;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>What both versions do with directories and the processes in them.</summary>
internal static class CgroupDirectory
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Sends SIGKILL to every process of a cgroup; returns how many there were.</summary>
    public static int KillAll(string directory)
    {
        var count = 0;
        foreach (var process in ReadProcesses(directory))
        {
            count++;
            _ = Libc.kill(process, Libc.SIGKILL);
        }

        return count;
    }

    /// <summary>Removes directories that are empty or about to become so.</summary>
    /// <param name="directories">All directories of one cgroup.</param>
    /// <param name="kill">Called between tries.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">Something still lives in it after 20 s.</exception>
    public static async Task RemoveAsync(IReadOnlyCollection<string> directories, Action kill, CancellationToken cancellationToken)
    {
        var start = Environment.TickCount64;
        while (!TryRemove(directories))
        {
            if (Environment.TickCount64 - start > Patience.TotalMilliseconds)
            {
                var left = directories.First(Directory.Exists);
                throw new IOException($"'{left}' cannot be removed: the processes {string.Join(", ", ReadProcesses(left))} are still in it {Patience.TotalSeconds} s after they were killed.");
            }

            kill();

            // Real time on purpose: it is the kernel that is waited for.
            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <summary>Removes what can be removed; true if nothing is left.</summary>
    public static bool TryRemove(IEnumerable<string> directories)
    {
        var gone = true;
        foreach (var directory in directories)
        {
            try
            {
                Directory.Delete(directory);
            }
            catch (DirectoryNotFoundException)
            {
                // Gone already.
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                gone = false;
            }
        }

        return gone;
    }

    private static List<int> ReadProcesses(string directory)
    {
        try
        {
            return [.. File.ReadLines(Path.Combine(directory, "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

using System.Globalization;
using System.Text;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>Removes what workers left that were killed: processes, cgroups, directories.</summary>
internal static class Sweep
{
    /// <summary>Sweeps below the worker's own name, and those of its dead neighbours.</summary>
    public static async Task RunAsync(SandboxOptions options, InstanceDirectory own, ICgroupHierarchy cgroups, ILogger logger)
    {
        KillProcesses(own.Name);
        await cgroups.SweepAsync(CancellationToken.None);
        foreach (var abandoned in InstanceDirectory.FindAbandoned(options.EffectiveDirectory))
        {
            using (abandoned)
            {
                KillProcesses(abandoned.Name);
                var theirs = CgroupDetector.Detect(options.Cgroup, abandoned.Name);
                await theirs.SweepAsync(CancellationToken.None);
                theirs.Remove();
                SandboxLog.Swept(logger, abandoned.Path);
            }
        }
    }

    // What had just been started when its worker died was not yet tied to it, and without cgroups nothing else knows of it. Its
    // command line has the worker's name, as an argument of its own.
    private static void KillProcesses(string name)
    {
        var marker = Encoding.UTF8.GetBytes($"\0{name}\0");
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                continue;
            }

            try
            {
                if (File.ReadAllBytes(Path.Combine(directory, "cmdline")).AsSpan().IndexOf(marker) >= 0)
                {
                    _ = Libc.kill(id, Libc.SIGKILL);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Gone, or not ours.
            }
        }
    }
}

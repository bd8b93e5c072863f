using FaasCluster.Worker.Sandboxes.Cgroups;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>A version 1 cgroup that was given to <see cref="NestedRun.User"/>, with limits of its own for all that is made below it.</summary>
internal sealed class DelegatedCgroup : IAsyncDisposable
{
    private const string Mount = "/sys/fs/cgroup";
    private static readonly string[] Controllers = ["memory", "pids", "cpu", "cpuacct", "freezer"];

    private readonly List<string> directories;

    private DelegatedCgroup(string path)
    {
        Path = path;
        directories = [.. Controllers.Select(controller => $"{Mount}/{controller}{path}")];
    }

    /// <summary>Its path in each hierarchy.</summary>
    public string Path { get; }

    /// <summary>The files into which a process writes itself to join.</summary>
    public IReadOnlyList<string> ProcsFiles => [.. directories.Select(directory => $"{directory}/cgroup.procs")];

    /// <summary>Makes one; skips the test where that cannot be done.</summary>
    public static async Task<DelegatedCgroup> MakeAsync(long? memoryBytes = null, int? processes = null)
    {
        Assert.SkipWhen(NestedRun.IsIt, "This is a nested run.");
        Assert.SkipUnless(Directory.Exists($"{Mount}/memory"), "There is no version 1 memory controller on this host.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a cgroup away.");
        var cgroup = new DelegatedCgroup($"/faas-test-{Environment.ProcessId}-{Guid.NewGuid():N}");
        foreach (var directory in cgroup.directories)
        {
            Directory.CreateDirectory(directory);
            if (memoryBytes is { } bytes && directory.StartsWith($"{Mount}/memory", StringComparison.Ordinal))
            {
                CgroupFile.Write($"{directory}/memory.limit_in_bytes", $"{bytes}");
            }

            if (processes is { } count && directory.StartsWith($"{Mount}/pids", StringComparison.Ordinal))
            {
                CgroupFile.Write($"{directory}/pids.max", $"{count}");
            }

            await NestedRun.RunAsync("/usr/bin/chown", "-R", $"{NestedRun.User}:{NestedRun.User}", directory);
        }

        return cgroup;
    }

    public async ValueTask DisposeAsync() => await Wait.UntilAsync(() => CgroupDirectory.TryRemove(directories), () => $"{string.Join(' ', directories)} still in use");
}

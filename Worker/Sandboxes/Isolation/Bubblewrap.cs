using System.Diagnostics;
using System.Globalization;
using System.Text;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.SystemCalls;

namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>bubblewrap 0.8 or newer: small, in every distribution, and ready in ten milliseconds.</summary>
internal sealed class Bubblewrap(SandboxOptions options, Defences defences) : IIsolator
{
    /// <inheritdoc/>
    public string? FindProblem() => File.Exists(options.BubblewrapPath)
        ? null
        : $"'{options.BubblewrapPath}' does not exist; functions run in bubblewrap unless Sandbox:Isolation says otherwise. Install it (apt-get install bubblewrap) or set Sandbox:BubblewrapPath.";

    /// <inheritdoc/>
    public string Describe()
    {
        using var process = Process.Start(new ProcessStartInfo(options.BubblewrapPath, "--version") { RedirectStandardOutput = true });
        var version = process?.StandardOutput.ReadToEnd().Trim();
        process?.WaitForExit();
        return string.IsNullOrEmpty(version) ? "bubblewrap" : version;
    }

    /// <inheritdoc/>
    public IsolatorCommand Prepare(SandboxPlan plan)
    {
        // All but these stands in a file: there it shows in no command line.
        const int filter = IsolatorCommand.FirstFile + 1;
        List<string> command =
        [
            options.BubblewrapPath, "--args", Number(IsolatorCommand.FirstFile), "--setenv", SandboxPlan.OwnerVariable, plan.Owner,
            .. defences.SystemCalls ? new[] { "--seccomp", Number(filter) } : [], "--", .. plan.Command,
        ];
        return new IsolatorCommand(defences.EmptyEnvironment ? command : [.. UndefendedEnvironment(), .. command], [Arguments(plan), .. defences.SystemCalls ? new[] { SystemCallFilter.ForThisMachine } : []]);
    }

    private byte[] Arguments(SandboxPlan plan)
    {
        var bind = defences.ReadOnlyMounts ? "--ro-bind" : "--bind";
        List<string> arguments =
        [
            "--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup",
            .. defences.ProcessNamespace ? new[] { "--unshare-pid" } : [],
            .. defences.NestedNamespaces ? new[] { "--disable-userns" } : [],
            "--new-session", "--die-with-parent", "--cap-drop", "ALL",
            "--uid", "1000", "--gid", "1000", "--hostname", "faas",
            bind, plan.Root, "/", .. RootTree.Mounts.SelectMany(mount => new[] { "--ro-bind", mount.From, mount.To }),
            "--proc", "/proc", .. defences.ReadOnlyMounts ? new[] { "--remount-ro", "/proc" } : [],
            "--dev", "/dev", .. Size(options.SharedMemoryBytes), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
            .. Size(options.TemporaryBytes), "--perms", "1777", "--tmpfs", "/tmp",
            bind, plan.Task, RootTree.TaskDirectory, "--chdir", RootTree.TaskDirectory,
        ];
        foreach (var (name, value) in plan.FullEnvironment)
        {
            arguments.AddRange(["--setenv", name, value]);
        }

        var bytes = new MemoryStream();
        foreach (var argument in arguments)
        {
            if (argument.Contains('\0'))
            {
                throw new ArgumentException("An environment variable holds a NUL; expected text.", nameof(plan));
            }

            bytes.Write(Encoding.UTF8.GetBytes(argument));
            bytes.WriteByte(0);
        }

        return bytes.ToArray();
    }

    private string[] Size(long bytes) => defences.FileSizes ? ["--size", Number(bytes)] : [];

    private static IEnumerable<string> UndefendedEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(variable => $"{variable.Key}={variable.Value}").Prepend("/usr/bin/env");

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}

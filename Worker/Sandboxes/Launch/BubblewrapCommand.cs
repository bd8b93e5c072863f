using System.Globalization;
using System.Text;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>
/// The command that starts one sandbox. Everything that comes from a user (environment, file names) is an argument of its own,
/// never a part of a script's text.
/// </summary>
internal static class BubblewrapCommand
{
    /// <summary>Descriptor of the control socket, in the sandbox too.</summary>
    public const int ControlDescriptor = 3;

    /// <summary>The variable that names the worker; it stands in bubblewrap's command line, which nothing in the sandbox can change.</summary>
    public const string OwnerVariable = "FAAS_OWNER";

    /// <summary>Descriptor of the file with bubblewrap's arguments: there they show in no command line.</summary>
    public const int ArgumentsDescriptor = 4;

    // Joins the cgroups named before "--", sets the limits that need no cgroup, and becomes the rest of its arguments. No core
    // files, 1,024 descriptors, no locked memory; a file's size in blocks of 512 bytes. The environment stays empty: a shell makes
    // these two by itself.
    private const string Script = """
        while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done
        ulimit -c 0 && ulimit -n 1024 && ulimit -l 0 && ulimit -f "$2" || exit 125
        shift 2
        unset PWD OLDPWD
        exec "$@"
        """;

    /// <summary>Arguments of /bin/sh.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="procsFiles">The cgroups to join.</param>
    /// <param name="userId">The user to become; null to stay who the worker is.</param>
    /// <param name="owner">The worker's name among those of this host: by it, a later worker finds what this one left.</param>
    /// <param name="command">What runs in the sandbox.</param>
    public static List<string> Shell(SandboxOptions options, IReadOnlyList<string> procsFiles, int? userId, string owner, IReadOnlyList<string> command)
    {
        var blocks = (options.TemporaryBytes / 512).ToString(CultureInfo.InvariantCulture);
        List<string> arguments = ["sh", "-c", Script, "sh", .. procsFiles, "--", blocks];
        if (userId is { } user)
        {
            // Before bubblewrap: started by real root, a sandbox could read root's files and write /proc/sys in spite of its namespaces.
            var id = user.ToString(CultureInfo.InvariantCulture);
            arguments.AddRange(["/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--"]);
        }

        arguments.AddRange([options.BubblewrapPath, "--args", ArgumentsDescriptor.ToString(CultureInfo.InvariantCulture), "--setenv", OwnerVariable, owner, "--", .. command]);
        return arguments;
    }

    /// <summary>bubblewrap's own arguments, each followed by NUL.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="rootTree">The root directory.</param>
    /// <param name="taskDirectory">What becomes /var/task.</param>
    /// <param name="environment">The environment.</param>
    public static byte[] Arguments(SandboxOptions options, string rootTree, string taskDirectory, IReadOnlyDictionary<string, string> environment)
    {
        List<string> arguments =
        [
            "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup",
            "--disable-userns", "--new-session", "--die-with-parent", "--cap-drop", "ALL",
            "--uid", "1000", "--gid", "1000", "--hostname", "faas",
            "--ro-bind", rootTree, "/", "--ro-bind", "/usr", "/usr",
            "--proc", "/proc", "--remount-ro", "/proc",
            "--dev", "/dev", "--size", Number(options.SharedMemoryBytes), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
            "--size", Number(options.TemporaryBytes), "--perms", "1777", "--tmpfs", "/tmp",
            "--ro-bind", taskDirectory, RootTree.TaskDirectory, "--chdir", RootTree.TaskDirectory,
        ];
        foreach (var (name, value) in BaseEnvironment.Concat(environment))
        {
            arguments.AddRange(["--setenv", name, value]);
        }

        var bytes = new MemoryStream();
        foreach (var argument in arguments)
        {
            if (argument.Contains('\0'))
            {
                throw new ArgumentException("An environment variable holds a NUL; expected text.", nameof(environment));
            }

            bytes.Write(Encoding.UTF8.GetBytes(argument));
            bytes.WriteByte(0);
        }

        return bytes.ToArray();
    }

    private static IEnumerable<KeyValuePair<string, string>> BaseEnvironment =>
    [
        new("PATH", "/usr/local/bin:/usr/bin:/bin"),
        new("HOME", "/tmp"),
        new("LANG", "C.UTF-8"),
        new("TZ", ":UTC"),
        new("LAMBDA_TASK_ROOT", RootTree.TaskDirectory),
        new("LAMBDA_RUNTIME_DIR", RootTree.RuntimeDirectory),
    ];

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;

namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>
/// The steps between the worker and the program that makes the walls. Everything that comes from a user (environment, file names) is
/// an argument of its own, never a part of a script's text.
/// </summary>
internal static class LaunchScript
{
    // Joins the cgroups named before "--", sets the limits that need no cgroup, and becomes the rest of its arguments. No core
    // files, no locked memory; a file's size in blocks of 512 bytes. The environment stays empty: a shell makes these two by itself.
    private const string Script = """
        while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done
        ulimit -c 0 && ulimit -n "$2" && ulimit -l 0 && ulimit -f "$3" || exit 125
        shift 3
        unset PWD OLDPWD
        exec "$@"
        """;

    /// <summary>Arguments of /bin/sh.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="defences">What is switched on.</param>
    /// <param name="procsFiles">The cgroups to join.</param>
    /// <param name="userId">The user to become; null to stay who the worker is.</param>
    /// <param name="isolator">What to become in the end.</param>
    public static List<string> Arguments(SandboxOptions options, Defences defences, IReadOnlyList<string> procsFiles, int? userId, IReadOnlyList<string> isolator)
    {
        List<string> arguments =
        [
            "sh", "-c", Script, "sh", .. procsFiles, "--",
            defences.Descriptors ? "1024" : "4096",
            defences.FileSizes ? (options.TemporaryBytes / 512).ToString(CultureInfo.InvariantCulture) : "unlimited",
        ];

        if (userId is { } user)
        {
            // Before the walls are made: started by real root, a sandbox could read root's files and write /proc/sys in spite of its namespaces.
            var id = user.ToString(CultureInfo.InvariantCulture);
            arguments.AddRange(["/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--"]);
        }

        return [.. arguments, .. isolator];
    }
}

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>
/// Builds, once per worker, what every sandbox sees as its root directory: links into the host's /usr, empty mount points, the
/// runtimes' own halves, and of the host's /etc only what programs need to start, look up one user and check certificates. One
/// read-only bind of it is cheaper than a dozen, and nothing new of the host slips in.
/// </summary>
internal static class RootTree
{
    /// <summary>Where a runtime's own half lies in the sandbox.</summary>
    public const string RuntimeDirectory = "/var/runtime";

    /// <summary>Where the package lies in the sandbox; also the working directory.</summary>
    public const string TaskDirectory = "/var/task";

    /// <summary>The shell of the platform's own scripts: the host's, which is faster than the one that functions see.</summary>
    public const string ScriptShell = "/usr/bin/sh";

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const string Programs = "/usr/bin";
    private const string Bash = "/usr/bin/bash";
    private static readonly string[] MountPoints = ["usr", "proc", "dev", "tmp", "run", "etc", "opt", "var/task"];
    private static readonly bool HasBash = File.Exists(Bash);

    // Below /usr on every current distribution; links are copied as they are.
    private static readonly string[] TopLinks = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

    private static readonly string[] HostFiles = ["etc/ld.so.cache", "etc/ssl/certs/ca-certificates.crt", "etc/mime.types", "etc/ssl/openssl.cnf"];

    /// <summary>
    /// Read-only mounts of the host's, sources before destinations, in order. /bin is what /usr/bin is, but for one program: on Lambda
    /// /bin/sh is bash, and scripts for it begin with #!/bin/sh and "set -o pipefail", which Debian's dash does not know.
    /// </summary>
    public static IReadOnlyList<(string From, string To)> Mounts { get; } =
    [
        ("/usr", "/usr"),
        .. HasBash ? [(Programs, "/bin")] : Array.Empty<(string, string)>(),

        // Where the link /bin/sh leads to: a mount on the link itself would follow it, and not everywhere to the sandbox's own files.
        .. HasBash && FindShell() is { } shell ? [(Bash, $"/bin/{shell}")] : Array.Empty<(string, string)>(),
    ];

    /// <summary>Makes the tree in a new directory.</summary>
    /// <param name="root">The directory.</param>
    /// <param name="runtimes">The directory that holds the runtimes' halves.</param>
    public static void Build(string root, string runtimes)
    {
        InstanceDirectory.MakeReadable(root);
        foreach (var directory in MountPoints)
        {
            MakeReadable(root, directory);
        }

        foreach (var name in TopLinks)
        {
            if (name == "bin" && HasBash)
            {
                MakeReadable(root, name);
            }
            else if (new DirectoryInfo("/" + name) is { LinkTarget: { } target })
            {
                Directory.CreateSymbolicLink(Path.Combine(root, name), target);
            }
        }

        foreach (var file in HostFiles)
        {
            if (File.Exists("/" + file))
            {
                MakeReadable(root, Path.GetDirectoryName(file)!);
                Put(Path.Combine(root, file), File.ReadAllBytes("/" + file));
            }
        }

        CopyLinks(root, "etc/alternatives");
        Put(Path.Combine(root, "etc/passwd"), "faas:x:1000:1000:function:/tmp:/bin/sh\n"u8);
        Put(Path.Combine(root, "etc/group"), "faas:x:1000:\n"u8);
        Put(Path.Combine(root, "etc/hosts"), "127.0.0.1 localhost faas\n::1 localhost\n"u8);
        Put(Path.Combine(root, "etc/resolv.conf"), "nameserver 127.0.0.1\n"u8);
        Put(Path.Combine(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n"u8);
        var own = RuntimeDirectory.TrimStart('/');
        MakeReadable(root, own);

        // What has no file of its own is not a runtime: there lie native libraries of the worker's, for every system in the world.
        foreach (var directory in Directory.GetDirectories(runtimes).Where(directory => Directory.EnumerateFiles(directory).Any()))
        {
            Copy(directory, Path.Combine(root, own, Path.GetFileName(directory)));
        }
    }

    private static void MakeReadable(string root, string directory)
    {
        var path = root;
        foreach (var part in directory.Split('/'))
        {
            path = Path.Combine(path, part);
            InstanceDirectory.MakeReadable(path);
        }
    }

    // The name in /usr/bin of what the shell is; null if that is bash already, or lies elsewhere.
    private static string? FindShell()
    {
        var shell = new FileInfo(ScriptShell).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? ScriptShell;
        return File.Exists(shell) && shell != Bash && Path.GetDirectoryName(shell) == Programs ? Path.GetFileName(shell) : null;
    }

    private static void CopyLinks(string root, string directory)
    {
        if (!Directory.Exists("/" + directory))
        {
            return;
        }

        MakeReadable(root, directory);
        foreach (var entry in new DirectoryInfo("/" + directory).EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is { } target)
            {
                File.CreateSymbolicLink(Path.Combine(root, directory, entry.Name), target);
            }
        }
    }

    private static void Copy(string from, string to)
    {
        InstanceDirectory.MakeReadable(to);
        foreach (var file in Directory.GetFiles(from))
        {
            // Not through memory: one of them is a library of 30 MB.
            var target = Path.Combine(to, Path.GetFileName(file));
            File.Copy(file, target);
            File.SetUnixFileMode(target, Readable);
        }

        foreach (var directory in Directory.GetDirectories(from))
        {
            Copy(directory, Path.Combine(to, Path.GetFileName(directory)));
        }
    }

    private static void Put(string path, ReadOnlySpan<byte> contents)
    {
        File.WriteAllBytes(path, contents);
        File.SetUnixFileMode(path, Readable);
    }
}

using System.Globalization;
using System.Security.Cryptography;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>
/// The directory of one worker among the workers of this host: numbered, held by a lock that the kernel drops with the process.
/// The number also gives the worker its block of user ids and the name of its cgroups, so that two workers share nothing and
/// whoever finds a directory unlocked knows what its dead owner left where.
/// </summary>
internal sealed class InstanceDirectory : IDisposable
{
    private const int MaximumInstances = 1000;
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode Readable = Passable | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Descriptor @lock;

    private InstanceDirectory(string root, int number, Descriptor @lock)
    {
        this.@lock = @lock;
        Number = number;
        Path = System.IO.Path.Combine(root, number.ToString(CultureInfo.InvariantCulture));
        Name = string.Create(CultureInfo.InvariantCulture, $"{NameOf(root)}-{number}");
    }

    /// <summary>Counts from 0 among the workers that share the root directory.</summary>
    public int Number { get; }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The worker's name among those of this host, also of its directory among the cgroups.</summary>
    public string Name { get; }

    /// <summary>What becomes the root directory of every sandbox, read-only.</summary>
    public string RootTree => System.IO.Path.Combine(Path, "root");

    /// <summary>Unpacked packages.</summary>
    public string Packages => System.IO.Path.Combine(Path, "packages");

    /// <summary>One directory per running sandbox.</summary>
    public string Slots => System.IO.Path.Combine(Path, "slots");

    /// <summary>Takes the first free number and clears its directory.</summary>
    /// <exception cref="IOException">The directory cannot be used; the message says what to do.</exception>
    public static InstanceDirectory Take(string root)
    {
        MakePassable(root);
        for (var number = 0; number < MaximumInstances; number++)
        {
            if (TryLock(root, number) is { } instance)
            {
                instance.Clear();
                foreach (var directory in new[] { instance.Path, instance.Packages, instance.Slots })
                {
                    System.IO.Directory.CreateDirectory(directory);
                    File.SetUnixFileMode(directory, Passable);
                }

                return instance;
            }
        }

        throw new IOException($"'{root}' is in use by {MaximumInstances} workers; give this one another Sandbox:Directory.");
    }

    /// <summary>What dead workers left beside this one; each is locked until it is disposed, which removes its directory.</summary>
    public static IEnumerable<InstanceDirectory> FindAbandoned(string root)
    {
        foreach (var directory in System.IO.Directory.GetDirectories(root))
        {
            if (int.TryParse(System.IO.Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && TryLock(root, number) is { } instance)
            {
                yield return instance;
            }
        }
    }

    /// <summary>Removes the directory and gives the number back.</summary>
    public void Dispose()
    {
        if (@lock.Number < 0)
        {
            return;
        }

        try
        {
            Clear();
        }
        finally
        {
            @lock.Dispose();
        }
    }

    /// <summary>Makes a directory that every user can list and read.</summary>
    public static void MakeReadable(string directory)
    {
        System.IO.Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, Readable);
    }

    /// <summary>
    /// Removes the directory of a sandbox. What cannot be removed now, for example because the process has no descriptor left to list
    /// it, is removed when the next sandbox takes the place, or with the worker.
    /// </summary>
    public static void TryDelete(string directory)
    {
        try
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Later, then.
        }
    }

    // Drawn once and kept: the path alone is the same in every container, and a worker sweeps whatever it sees under its own name.
    private static string NameOf(string root)
    {
        const string prefix = "faascluster-";
        var file = System.IO.Path.Combine(root, "name");
        for (; ; )
        {
            if (File.Exists(file))
            {
                if (File.ReadAllText(file) is { Length: > 0 } name && name.StartsWith(prefix, StringComparison.Ordinal))
                {
                    return name;
                }

                // Lost with the machine's power.
                File.Delete(file);
            }

            var draft = $"{file}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
            File.WriteAllText(draft, prefix + RandomNumberGenerator.GetHexString(8, lowercase: true));
            try
            {
                File.Move(draft, file);
            }
            catch (IOException) when (File.Exists(file))
            {
                // Another worker was first.
                File.Delete(draft);
            }
        }
    }

    private void Clear()
    {
        if (System.IO.Directory.Exists(Path))
        {
            System.IO.Directory.Delete(Path, recursive: true);
        }
    }

    private static InstanceDirectory? TryLock(string root, int number)
    {
        // The lock's file is beside the directory and stays for ever: removing it would let two workers lock two files of one name.
        var file = Descriptor.Open(System.IO.Path.Combine(root, $"{number.ToString(CultureInfo.InvariantCulture)}.lock"), Libc.O_RDONLY | Libc.O_CREAT);
        if (Libc.flock(file.Number, Libc.LOCK_EX | Libc.LOCK_NB) == 0)
        {
            return new InstanceDirectory(root, number, file);
        }

        file.Dispose();
        return null;
    }

    // Sandboxes of a root worker run under other users, and bubblewrap opens what it binds as that user.
    private static void MakePassable(string root)
    {
        if (!System.IO.Directory.Exists(root))
        {
            System.IO.Directory.CreateDirectory(root);
            File.SetUnixFileMode(root, Passable);
        }

        for (var directory = new DirectoryInfo(root); directory is not null && Environment.IsPrivilegedProcess; directory = directory.Parent)
        {
            if (!directory.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                throw new IOException(
                    $"'{directory.FullName}' lets other users not pass, so sandboxes cannot reach '{root}'. Run 'chmod o+x {directory.FullName}' or set Sandbox:Directory to a place that everybody can reach.");
            }
        }
    }
}

using System.IO.Compression;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Packages;

/// <summary>Makes packages reproducibly: the same files give the same bytes, so the same content is stored once.</summary>
public static class PackageBuilder
{
    // The earliest time that a zip file can carry.
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Left = [".git", ".hg", ".svn", "__pycache__", ".venv", ".DS_Store", ".faas"];

    /// <summary>A package of one file.</summary>
    /// <param name="name">Its path in the package, for example "app.py".</param>
    /// <param name="bytes">Its contents.</param>
    /// <param name="executable">Whether it may be executed: needed for the file that the executable runtime runs.</param>
    public static byte[] FromFile(string name, ReadOnlySpan<byte> bytes, bool executable = false)
    {
        using var output = new MemoryStream();
        using (var archive = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var stream = Add(archive, name, executable);
            stream.Write(bytes);
        }

        return output.ToArray();
    }

    /// <summary>
    /// A package of everything below a directory, in the order of names, but for version control, caches of Python byte code and
    /// virtual environments. Links to files within the directory are packed as those files.
    /// </summary>
    /// <param name="directory">The directory; function.yaml at its top is packed like any other file.</param>
    /// <param name="isLeftOut">Says of a path (relative, with '/') and whether it is a directory, if it stays behind; what lies below such a directory does too.</param>
    /// <exception cref="InvalidDataException">There is something that a package cannot hold; the message names it.</exception>
    public static byte[] FromDirectory(string directory, Func<string, bool, bool>? isLeftOut = null)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        using var output = new MemoryStream();
        using (var archive = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true))
        {
            var total = 0L;
            foreach (var name in FilesOf(directory, isLeftOut))
            {
                var path = Path.Combine(root, name);
                using var source = File.OpenRead(path);
                total += source.Length;
                if (total > Limits.UnpackedPackageBytes)
                {
                    throw new InvalidDataException($"'{directory}' has more than {Limits.UnpackedPackageBytes} bytes with '{name}'; leave out what the function does not need.");
                }

                using var target = Add(archive, name, IsExecutable(source));
                source.CopyTo(target);
            }
        }

        return output.ToArray();
    }

    /// <summary>What <see cref="FromDirectory"/> packs: paths relative to the directory, with '/', in the order of names.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="isLeftOut">As there.</param>
    /// <exception cref="InvalidDataException">There is nothing, or something that a package cannot hold; the message names it.</exception>
    public static IReadOnlyList<string> FilesOf(string directory, Func<string, bool, bool>? isLeftOut = null)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        var files = new List<string>();
        Collect(root, root, isLeftOut ?? ((_, _) => false), files);
        return files.Count > 0
            ? [.. files.Order(StringComparer.Ordinal)]
            : throw new InvalidDataException($"'{directory}' has no files; expected at least function.yaml and the handler.");
    }

    private static void Collect(string root, string directory, Func<string, bool, bool> isLeftOut, List<string> files)
    {
        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos())
        {
            if (Left.Contains(entry.Name) || entry.Name.EndsWith(".pyc", StringComparison.Ordinal))
            {
                continue;
            }

            var name = Path.GetRelativePath(root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
            if (isLeftOut(name, entry is DirectoryInfo && entry.LinkTarget is null))
            {
                continue;
            }

            if (entry.LinkTarget is not null)
            {
                var target = entry.ResolveLinkTarget(returnFinalTarget: true);
                if (target is not FileInfo { Exists: true } || !target.FullName.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                {
                    throw new InvalidDataException($"'{name}' links to '{ManifestReader.Shorten(entry.LinkTarget)}'; a package may only link to its own files. Copy what is needed.");
                }

                files.Add(name);
            }
            else if (entry is DirectoryInfo)
            {
                Collect(root, entry.FullName, isLeftOut, files);
            }
            else
            {
                files.Add(name);
            }

            if (files.Count > Limits.PackageEntries)
            {
                throw new InvalidDataException($"'{root}' has more than {Limits.PackageEntries} files; leave out what the function does not need.");
            }
        }
    }

    // Windows has no such bit: there, a first line "#!" says it.
    private static bool IsExecutable(FileStream file)
    {
        if (!OperatingSystem.IsWindows())
        {
            return (File.GetUnixFileMode(file.SafeFileHandle) & UnixFileMode.UserExecute) != 0;
        }

        Span<byte> start = stackalloc byte[2];
        var isScript = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start.SequenceEqual("#!"u8);
        file.Position = 0;
        return isScript;
    }

    private static Stream Add(ZipArchive archive, string name, bool executable)
    {
        var entry = archive.CreateEntry(name, CompressionLevel.Optimal);
        entry.LastWriteTime = Epoch;
        entry.ExternalAttributes = (executable ? 0x81ED : 0x81A4) << 16; // regular file, 0755 or 0644
        return entry.Open();
    }
}

using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Packages;

/// <summary>
/// Reads function packages: zip files that strangers made. Gateway (at deploy) and worker (before it unpacks) use the same
/// rules. Nothing that an archive declares is believed: names, kinds and sizes are checked, bytes are counted while they are read.
/// </summary>
public static class PackageReader
{
    private const int MaximumErrors = 20;
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int Directory = 0x4000;
    private const int AnyExecutable = 0x49; // 0111

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.UserWrite;
    private const UnixFileMode Executable = Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Says everything that is wrong with a package, at most 20 errors; empty if it can be unpacked.</summary>
    /// <param name="zip">The package as uploaded.</param>
    public static IReadOnlyList<FieldError> Validate(ReadOnlyMemory<byte> zip) => Read(zip, directory: null);

    /// <summary>
    /// Unpacks a package into a new directory: files 0644, or 0755 if anybody may execute them in the archive; every other
    /// permission bit is dropped. On any error the directory is removed again.
    /// </summary>
    /// <param name="zip">The package.</param>
    /// <param name="directory">Must not exist; its parent must.</param>
    /// <returns>What is wrong, as <see cref="Validate"/> says it; empty if everything is there.</returns>
    /// <exception cref="IOException">The directory exists, or the disk is full.</exception>
    public static IReadOnlyList<FieldError> Extract(ReadOnlyMemory<byte> zip, string directory)
    {
        if (Path.Exists(directory))
        {
            throw new IOException($"'{directory}' exists; expected a new directory to unpack into.");
        }

        var complete = false;
        try
        {
            MakeDirectory(directory);
            var errors = Read(zip, directory);
            complete = errors.Count == 0;
            return errors;
        }
        finally
        {
            if (!complete && System.IO.Directory.Exists(directory))
            {
                System.IO.Directory.Delete(directory, recursive: true);
            }
        }
    }

    /// <summary>Reads a file of a package, at most so many bytes: leave room to notice that there are more.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static byte[] ReadStart(ZipArchiveEntry entry, int maximumBytes)
    {
        using var stream = entry.Open();
        var buffer = new byte[(int)Math.Min(Math.Max(entry.Length, 0) + 1, maximumBytes)];
        return buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
    }

    /// <summary>
    /// Reads a small text file of a package, such as function.yaml, as UTF-8. Null if the package has no such file or cannot be
    /// read; more than <paramref name="maximumBytes"/> are cut off, so leave room to notice.
    /// </summary>
    public static string? TryReadText(ReadOnlyMemory<byte> zip, string name, int maximumBytes = 4 * ManifestReader.MaximumLength)
    {
        if (ZipDirectory.CountEntries(zip.Span, Limits.PackageEntries) is null or > Limits.PackageEntries)
        {
            return null;
        }

        try
        {
            using var archive = Open(zip);
            if (archive.GetEntry(name) is not { IsEncrypted: false } entry)
            {
                return null;
            }

            using var stream = entry.Open();
            var buffer = new byte[maximumBytes];
            var length = stream.ReadAtLeast(buffer, maximumBytes, throwOnEndOfStream: false);
            return Encoding.UTF8.GetString(buffer, 0, length).TrimStart('\uFEFF');
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static List<FieldError> Read(ReadOnlyMemory<byte> zip, string? directory)
    {
        var errors = new List<FieldError>();
        if (zip.Length > Limits.PackageBytes)
        {
            errors.Add(new("package", $"has {zip.Length} bytes; at most {Limits.PackageBytes} are allowed."));
            return errors;
        }

        switch (ZipDirectory.CountEntries(zip.Span, Limits.PackageEntries))
        {
            case null:
                errors.Add(new("package", $"is no zip file ({zip.Length} bytes); expected one made by zip or by 'faas deploy'."));
                return errors;
            case 0:
                errors.Add(new("package", "is empty; expected at least one file."));
                return errors;
            case > Limits.PackageEntries:
                errors.Add(new("package", $"has more than {Limits.PackageEntries} entries; leave out what the function does not need."));
                return errors;
        }

        try
        {
            using var archive = Open(zip);
            ReadEntries(archive, directory, errors);
        }
        catch (InvalidDataException exception)
        {
            errors.Add(new("package", $"is a damaged zip file: {exception.Message}"));
        }

        return errors;
    }

    private static void ReadEntries(ZipArchive archive, string? directory, List<FieldError> errors)
    {
        // 1. Names and kinds of all entries, before a byte is written.
        var paths = new PackagePaths(errors);
        foreach (var entry in archive.Entries)
        {
            if (errors.Count >= MaximumErrors)
            {
                return;
            }

            if (paths.Add(entry.FullName) && RefuseKind(entry) is { } refusal)
            {
                errors.Add(new("package", $"entry '{ManifestReader.Shorten(entry.FullName)}' {refusal}"));
            }
        }

        // 2. Contents. The first bad one ends it: going on would only feed a bomb.
        var remaining = Limits.UnpackedPackageBytes;
        foreach (var entry in errors.Count == 0 ? archive.Entries : [])
        {
            if (ReadEntry(entry, directory, ref remaining) is { } refusal)
            {
                errors.Add(new("package", $"entry '{ManifestReader.Shorten(entry.FullName)}' {refusal}"));
                return;
            }
        }
    }

    private static string? RefuseKind(ZipArchiveEntry entry)
    {
        var type = (entry.ExternalAttributes >> 16) & TypeMask;
        var isDirectory = entry.FullName.EndsWith('/');
        if (type is not (0 or RegularFile or Directory) || (type == Directory) != isDirectory && type != 0)
        {
            return "is a link, a device or another special file; expected plain files and directories.";
        }

        if (entry.IsEncrypted)
        {
            return "is encrypted; expected a package without a password.";
        }

        return isDirectory && entry.Length != 0 ? "is a directory with contents." : null;
    }

    private static string? ReadEntry(ZipArchiveEntry entry, string? directory, ref long remaining)
    {
        if (entry.FullName.EndsWith('/'))
        {
            if (directory is not null)
            {
                MakeDirectory(Path.Combine(directory, entry.FullName));
            }

            return null;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            using var source = entry.Open();
            using var target = directory is null ? null : Create(entry, directory);
            var length = 0L;
            var checksum = 0u;
            for (int read; (read = source.Read(buffer)) > 0; length += read)
            {
                remaining -= read;
                if (remaining < 0)
                {
                    return $"makes the package larger than {Limits.UnpackedPackageBytes} bytes unpacked.";
                }

                checksum = Crc32.Append(checksum, buffer.AsSpan(0, read));
                target?.Write(buffer, 0, read);
            }

            return length != entry.Length ? $"has {length} bytes but declares {entry.Length}."
                : checksum != entry.Crc32 ? "does not match its checksum; the file was damaged on its way."
                : null;
        }
        catch (InvalidDataException exception)
        {
            return $"cannot be unpacked: {exception.Message}";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static FileStream Create(ZipArchiveEntry entry, string directory)
    {
        var path = Path.Combine(directory, entry.FullName);
        MakeDirectory(Path.GetDirectoryName(path)!);
        var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);

        // Set on the open file and not at its creation: the process's umask would take bits away.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(stream.SafeFileHandle, ((entry.ExternalAttributes >> 16) & AnyExecutable) != 0 ? Executable : Readable);
        }

        return stream;
    }

    // One by one, and the mode set afterwards: what CreateDirectory makes is subject to the process's umask, parents even more so.
    private static void MakeDirectory(string path)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        if (System.IO.Directory.Exists(path))
        {
            return;
        }

        MakeDirectory(Path.GetDirectoryName(path)!);
        System.IO.Directory.CreateDirectory(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, Executable);
        }
    }

    private static ZipArchive Open(ReadOnlyMemory<byte> zip)
    {
        var stream = MemoryMarshal.TryGetArray(zip, out var segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(zip.ToArray(), writable: false);
        return new ZipArchive(stream, ZipArchiveMode.Read);
    }
}

using System.Text;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Packages;

/// <summary>Checks the names of a package's entries, one after the other, and remembers them: what clashes depends on what came before.</summary>
internal sealed class PackagePaths(List<FieldError> errors)
{
    private const int MaximumDepth = 32;
    private const int MaximumNameBytes = 255;

    // Compared without case: such a package would unpack differently on the machine where it is developed.
    private readonly Dictionary<string, (string Name, bool IsDirectory, bool IsListed)> seen = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Checks one name and adds it; false if it was refused.</summary>
    /// <param name="entry">The name as the archive has it; a directory's ends in '/'.</param>
    public bool Add(string entry)
    {
        if (Refusal(entry) is { } refusal)
        {
            return Refuse(entry, refusal);
        }

        var isDirectory = entry.EndsWith('/');
        var path = isDirectory ? entry[..^1] : entry;

        // Every parent becomes a directory on disk, listed or not: they count against the limit, or 20,000 deep names would make 640,000 inodes.
        for (var slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            if (!Remember(entry, path[..slash], isDirectory: true, isListed: false))
            {
                return false;
            }
        }

        return Remember(entry, path, isDirectory, isListed: true);
    }

    private bool Remember(string entry, string path, bool isDirectory, bool isListed)
    {
        if (!seen.TryGetValue(path, out var other))
        {
            if (seen.Count >= Limits.PackageEntries)
            {
                return Refuse(entry, $"is one too many: at most {Limits.PackageEntries} files and directories are allowed.");
            }

            seen[path] = (path, isDirectory, isListed);
            return true;
        }

        if (other.Name != path)
        {
            return Refuse(entry, $"differs from '{ManifestReader.Shorten(other.Name)}' in upper and lower case only; rename one.");
        }

        if (other.IsDirectory != isDirectory)
        {
            return Refuse(entry, $"needs '{ManifestReader.Shorten(path)}' to be a file and a directory at once.");
        }

        if (other.IsListed && isListed)
        {
            return Refuse(entry, "occurs twice.");
        }

        seen[path] = (path, isDirectory, isListed || other.IsListed);
        return true;
    }

    private bool Refuse(string entry, string message)
    {
        errors.Add(new("package", $"entry '{ManifestReader.Shorten(entry)}' {message}"));
        return false;
    }

    private static string? Refusal(string entry)
    {
        if (entry.Length == 0)
        {
            return "has no name.";
        }

        if (entry[0] == '/' || (entry.Length > 1 && entry[1] == ':' && char.IsAsciiLetter(entry[0])))
        {
            return "has an absolute path; expected one relative to the package, such as 'app.py'.";
        }

        foreach (var c in entry)
        {
            if (c == '\\')
            {
                return "has a backslash; expected '/' between directories.";
            }

            if (char.IsControl(c))
            {
                return "has a control character in its name.";
            }

            // What could not be decoded arrives as U+FFFD: two such names could be the same file, or not the one meant.
            if (c == '\uFFFD' || char.IsSurrogate(c) && !IsPaired(entry))
            {
                return "has a name that is not UTF-8.";
            }
        }

        var parts = (entry[^1] == '/' ? entry[..^1] : entry).Split('/');
        if (parts.Length > MaximumDepth)
        {
            return $"is {parts.Length} levels deep; at most {MaximumDepth} are allowed.";
        }

        foreach (var part in parts)
        {
            if (part is "" or "." or "..")
            {
                return $"has the path element '{part}'; expected plain names.";
            }

            if (Encoding.UTF8.GetByteCount(part) > MaximumNameBytes)
            {
                return $"has a name of more than {MaximumNameBytes} bytes.";
            }
        }

        return null;
    }

    private static bool IsPaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}

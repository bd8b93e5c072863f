using System.Text;
using System.Text.RegularExpressions;

namespace FaasCluster.Cli.Deploying;

/// <summary>
/// A .faasignore: what of a directory is not deployed. The language is that of .gitignore (gitignore(5)): "#" comments, "!" takes
/// back, a "/" at the end means directories only, one elsewhere ties the pattern to the top, "*", "?", "[a-z]" and "**".
/// </summary>
internal sealed class IgnoreFile
{
    public const string Name = ".faasignore";

    private readonly List<(Regex Pattern, bool DirectoriesOnly, bool TakesBack)> _rules = [];

    public static IgnoreFile Parse(string text)
    {
        var file = new IgnoreFile();
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.TrimEnd('\r', ' ', '\t');
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var takesBack = line[0] == '!';
            line = takesBack ? line[1..] : line;
            var directoriesOnly = line.EndsWith('/');
            line = line.TrimEnd('/');
            if (line.Length > 0)
            {
                file._rules.Add((ToRegex(line), directoriesOnly, takesBack));
            }
        }

        return file;
    }

    /// <summary>Of an absent file: nothing is ignored.</summary>
    public static IgnoreFile Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        return File.Exists(path) ? Parse(File.ReadAllText(path)) : new IgnoreFile();
    }

    /// <summary>Whether an entry stays behind; the last rule that fits decides. What lies below an ignored directory is not asked for.</summary>
    /// <param name="path">Relative to the directory of the file, with '/'.</param>
    /// <param name="isDirectory">Whether it is one.</param>
    public bool Ignores(string path, bool isDirectory)
    {
        if (path == Name)
        {
            return true;
        }

        var ignored = false;
        foreach (var (pattern, directoriesOnly, takesBack) in _rules)
        {
            if (ignored == takesBack && (isDirectory || !directoriesOnly) && pattern.IsMatch(path))
            {
                ignored = !takesBack;
            }
        }

        return ignored;
    }

    private static Regex ToRegex(string pattern)
    {
        var isTied = pattern.Contains('/');
        pattern = pattern.TrimStart('/');
        var regex = new StringBuilder(isTied ? @"\A" : @"\A(?:.*/)?");
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '*' && i + 1 < pattern.Length && pattern[i + 1] == '*')
            {
                i++;
                if (i + 1 < pattern.Length && pattern[i + 1] == '/')
                {
                    i++;
                    regex.Append("(?:.*/)?");
                }
                else
                {
                    regex.Append(".*");
                }
            }
            else if (c == '[' && pattern.IndexOf(']', i + 2 <= pattern.Length ? i + 2 : i) is var end and > 0)
            {
                var set = pattern[(i + 1)..end].Replace(@"\", @"\\", StringComparison.Ordinal).Replace("[", @"\[", StringComparison.Ordinal);
                regex.Append('[').Append(set.StartsWith('!') ? "^" + set[1..] : set).Append(']');
                i = end;
            }
            else
            {
                regex.Append(c switch
                {
                    '*' => "[^/]*",
                    '?' => "[^/]",
                    '\\' when i + 1 < pattern.Length => Regex.Escape(pattern[++i].ToString()),
                    _ => Regex.Escape(c.ToString()),
                });
            }
        }

        return new Regex(regex.Append(@"\z").ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }
}

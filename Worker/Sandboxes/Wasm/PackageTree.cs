using FaasCluster.Worker.Packages;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// The files of a package as a module sees them. Paths are looked up here and never given to the kernel: what is not in the list, with
/// dots or links or otherwise, does not exist.
/// </summary>
internal sealed class PackageTree
{
    private readonly Dictionary<string, Entry> entries = [];

    public PackageTree(PackageLease package)
    {
        Root = entries[""] = new Entry("", "", null);
        foreach (var name in package.Files)
        {
            var path = name.TrimEnd('/');
            var parent = Parent(path);
            var entry = entries[path] = new Entry(path, path[(path.LastIndexOf('/') + 1)..], name.EndsWith('/') ? null : Path.Combine(package.Directory, path));
            parent.Children.Add(entry);
        }

        var number = 1UL;
        foreach (var entry in entries.Values)
        {
            entry.Number = number++;
        }
    }

    /// <summary>The package's own directory.</summary>
    public Entry Root { get; }

    /// <summary>Finds an entry by a path that is relative to a directory; null if there is none.</summary>
    public Entry? Find(Entry directory, ReadOnlySpan<byte> path)
    {
        var found = directory.Path.Length == 0 ? [] : directory.Path.Split('/').ToList();
        foreach (var part in System.Text.Encoding.UTF8.GetString(path).Split('/'))
        {
            switch (part)
            {
                case "" or ".":
                    break;
                case "..":
                    if (found.Count == 0)
                    {
                        return null;
                    }

                    found.RemoveAt(found.Count - 1);
                    break;
                default:
                    found.Add(part);
                    break;
            }
        }

        return entries.GetValueOrDefault(string.Join('/', found));
    }

    private Entry Parent(string path)
    {
        var end = path.LastIndexOf('/');
        if (end < 0)
        {
            return Root;
        }

        var parent = path[..end];
        if (!entries.TryGetValue(parent, out var entry))
        {
            entry = entries[parent] = new Entry(parent, parent[(parent.LastIndexOf('/') + 1)..], null);
            Parent(parent).Children.Add(entry);
        }

        return entry;
    }

    /// <summary>A file or a directory.</summary>
    /// <param name="path">Below the package's directory.</param>
    /// <param name="name">Its last part.</param>
    /// <param name="file">Where the file lies on the host; null for a directory.</param>
    internal sealed class Entry(string path, string name, string? file)
    {
        private long? length;

        public string Path => path;

        public string Name => name;

        public string? File => file;

        public bool IsDirectory => file is null;

        /// <summary>Like an inode's.</summary>
        public ulong Number { get; set; }

        public List<Entry> Children { get; } = [];

        public long Length => length ??= file is null ? 0 : new FileInfo(file).Length;
    }
}

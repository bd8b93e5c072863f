using System.Xml.Linq;

namespace FaasCluster.Architecture.Tests;

/// <summary>The checkout that the tests were built from, and the table of what may reference what.</summary>
internal static class Repository
{
    /// <summary>The projects of the product, and what each may reference.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> MayReference = new Dictionary<string, string[]>
    {
        ["Contracts"] = [],
        ["Messaging"] = ["Contracts"],
        ["Storage"] = ["Contracts"],
        ["Gateway"] = ["Contracts", "Messaging", "Storage"],
        ["Worker"] = ["Contracts", "Messaging", "Storage"],
        ["Standalone"] = ["Gateway", "Worker"],
        ["Cli"] = ["Contracts"],
    };

    public static string Root { get; } = FindRoot();

    public static TheoryData<string> Projects => [.. MayReference.Keys];

    public static XDocument ReadProject(string name) => XDocument.Load(Path.Combine(Root, name, $"{name}.csproj"));

    /// <summary>The hand-written sources of a project.</summary>
    public static IEnumerable<string> Sources(string project) =>
        Directory.EnumerateFiles(Path.Combine(Root, project), "*.cs", SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(Root, path).Split('/').Any(part => part is "bin" or "obj"));

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "FaasCluster.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException($"No FaasCluster.sln above '{AppContext.BaseDirectory}'.");
        }

        return directory;
    }
}

using YamlDotNet.Serialization;

namespace FaasCluster.Architecture.Tests;

/// <summary>docker-compose.yml as YAML: maps, lists and strings.</summary>
internal static class ComposeFile
{
    private static readonly Dictionary<object, object> Root =
        new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(File.ReadAllText(Path.Combine(Repository.Root, "docker-compose.yml")));

    public static IEnumerable<string> Services => Map(Root, "services").Keys.Cast<string>();

    public static Dictionary<object, object> Service(string name) => Map(Map(Root, "services"), name);

    public static IEnumerable<string> NamedVolumes => Map(Root, "volumes").Keys.Cast<string>();

    /// <summary>A map below a key; empty if there is none.</summary>
    public static Dictionary<object, object> Map(Dictionary<object, object> parent, string key) =>
        parent.GetValueOrDefault(key) as Dictionary<object, object> ?? [];

    /// <summary>A list of strings below a key; empty if there is none.</summary>
    public static IReadOnlyList<string> List(Dictionary<object, object> parent, string key) =>
        parent.GetValueOrDefault(key) is List<object> items ? [.. items.Cast<string>()] : [];
}

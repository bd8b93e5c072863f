using System.Text.RegularExpressions;

namespace FaasCluster.Architecture.Tests;

/// <summary>docs/sandboxes.md names tests or attacks for every threat by functions; each of them exists, and no attack is left out.</summary>
public sealed partial class AttackTableTests
{
    private const int Threats = 18;

    [Fact]
    public void EveryThreat_OfTheTable_IsShownBySomething()
    {
        var rows = Rows();

        Assert.Equal(Threats, rows.Count);
        Assert.All(rows, row => Assert.True(Quoted().IsMatch(row) || Named().IsMatch(row), row));
    }

    [Fact]
    public void EveryTest_InTheTable_Exists()
    {
        var tests = Sources("tests").SelectMany(text => TestMethod().Matches(text)).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.All(Rows().SelectMany(row => Named().Matches(row)).Select(match => match.Groups[1].Value), name => Assert.Contains(name, tests));
    }

    [Fact]
    public void Attacks_OfTheTable_AreThoseThatAreRun()
    {
        var run = Sources("tests/Worker.Tests/Sandboxes/Attacks").SelectMany(text => Attack().Matches(text)).Select(match => match.Groups[1].Value);

        Assert.Equal(run.Order(StringComparer.Ordinal), Rows().SelectMany(row => Quoted().Matches(row)).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    private static List<string> Rows() =>
    [
        .. File.ReadAllText(Path.Combine(Repository.Root, "docs/sandboxes.md")).Split("## What hostile functions try")[1].Split("\n## ")[0]
            .Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1),
    ];

    private static IEnumerable<string> Sources(string directory) => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, directory), "*.cs", SearchOption.AllDirectories)
        .Where(path => !Path.GetRelativePath(Repository.Root, path).Split('/').Any(part => part is "bin" or "obj"))
        .Select(File.ReadAllText);

    [GeneratedRegex("`([A-Z][A-Za-z0-9]+_[A-Za-z0-9_]+)`")]
    private static partial Regex Named();

    [GeneratedRegex("\"([^\"]+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex("^        new\\(\"([^\"]+)\", \"\"\"", RegexOptions.Multiline)]
    private static partial Regex Attack();

    [GeneratedRegex(@"public (?:async )?(?:Task|void) (\w+_\w+)\(")]
    private static partial Regex TestMethod();
}

using System.Text.RegularExpressions;

namespace FaasCluster.Architecture.Tests;

/// <summary>docs/reliability.md names a test or an action of the nemesis for every fault; each of them exists.</summary>
public sealed partial class FaultTableTests
{
    private const int Faults = 24;

    // Its only subject, schedules, is not built yet.
    private static readonly int[] NotYet = [16];

    [Fact]
    public void EveryFault_OfTheList_IsShownBySomething()
    {
        var rows = Rows();

        Assert.Equal(Enumerable.Range(1, Faults), rows.Select(row => row.Number));
        Assert.All(rows.ExceptBy(NotYet, row => row.Number), row => Assert.True(row.Tests.Count + row.Actions.Count > 0, $"Nothing is named for fault {row.Number}."));
    }

    [Fact]
    public void EveryTest_InTheTable_Exists()
    {
        var tests = Sources("tests").SelectMany(text => TestMethod().Matches(text)).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.All(Rows().SelectMany(row => row.Tests), test => Assert.Contains(test, tests));
        Assert.All(Rows(), row => Assert.All(
            row.Tests.Take(1), test => Assert.StartsWith($"Fault{row.Number:00}_", test, StringComparison.Ordinal)));
    }

    [Fact]
    public void EveryAction_InTheTable_Exists()
    {
        var actions = Sources("tests/Chaos/Nemesis").SelectMany(text => Action().Matches(text)).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.All(Rows().SelectMany(row => row.Actions), action => Assert.Contains(action, actions));
    }

    private static List<(int Number, List<string> Tests, List<string> Actions)> Rows() =>
    [
        .. Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs/reliability.md")).Split("## Fault by fault")[1])
            .Select(match => (
                int.Parse(match.Groups[1].Value),
                TestName().Matches(match.Groups[2].Value).Select(name => name.Groups[1].Value).ToList(),
                Action().Matches(match.Groups[2].Value).Select(name => name.Groups[1].Value).ToList())),
    ];

    private static IEnumerable<string> Sources(string directory) => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, directory), "*.cs", SearchOption.AllDirectories)
        .Where(path => !Path.GetRelativePath(Repository.Root, path).Split('/').Any(part => part is "bin" or "obj"))
        .Select(File.ReadAllText);

    [GeneratedRegex(@"^\| (\d+) \|(.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`(Fault[0-9]{2}_[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();

    [GeneratedRegex("\"([0-9]{2} [^\"]+)\"")]
    private static partial Regex Action();

    [GeneratedRegex(@"\[(?:Fact|Theory)[^\]]*\](?:\s*\[[^\n]*\])*\s*public (?:async )?(?:Task|void) (Fault[0-9]{2}_\w+)\(")]
    private static partial Regex TestMethod();
}

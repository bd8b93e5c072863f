using System.Text.RegularExpressions;

namespace FaasCluster.Architecture.Tests;

public sealed partial class LayoutTests
{
    // 30 to 120 is usual, 200 to 300 fine for a state machine; beyond this something wants to be a part of its own.
    private const int MostLines = 600;

    // Folders are features; these say nothing about what is in them.
    private static readonly string[] EmptyNames = ["Services", "Interfaces", "Models", "Helpers", "Common", "Utils", "Managers", "Misc"];

    public static TheoryData<string> Projects => Repository.Projects;

    [Theory]
    [InlineData("FaasCluster.sln")]
    [InlineData("LICENSE")]
    [InlineData("run")]
    [InlineData("test")]
    [InlineData("faas")]
    [InlineData("README.md")]
    [InlineData("docker-compose.yml")]
    [InlineData("runtimes")]
    [InlineData("examples")]
    [InlineData("bench")]
    [InlineData("docs")]
    [InlineData("deploy")]
    [InlineData("tests")]
    public void TopLevel_OfTheRepository_HasIt(string name) => Assert.True(Path.Exists(Path.Combine(Repository.Root, name)), $"'{name}' is missing.");

    [Fact]
    public void Programs_OfTheHosts_StaySmall()
    {
        var programs = Directory.EnumerateFiles(Repository.Root, "Program.cs", SearchOption.AllDirectories).Where(path => !path.Contains("/obj/")).ToList();

        Assert.NotEmpty(programs);
        Assert.All(programs, path => Assert.True(File.ReadLines(path).Count() <= 30, $"'{path}' has more than 30 lines; what it does belongs to a feature."));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folders_OfAProject_AreNamedAfterFeatures(string project)
    {
        var folders = Repository.Sources(project).SelectMany(path => Path.GetRelativePath(Repository.Root, path).Split('/')[..^1]).Distinct();

        Assert.Empty(folders.Intersect(EmptyNames, StringComparer.OrdinalIgnoreCase));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Files_OfAProject_StayReadableInOneGo(string project)
    {
        Assert.Empty(Repository.Sources(project).Where(path => File.ReadLines(path).Count() > MostLines).Select(path => Path.GetRelativePath(Repository.Root, path)));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Namespaces_OfAProject_FollowItsFolders(string project)
    {
        Assert.All(Repository.Sources(project), path =>
        {
            var line = File.ReadLines(path).FirstOrDefault(text => text.StartsWith("namespace ", StringComparison.Ordinal));
            var folder = Path.GetDirectoryName(Path.GetRelativePath(Repository.Root, path))!.Replace('/', '.');
            Assert.True(line is null || line == $"namespace FaasCluster.{folder};", $"'{path}' has '{line}'.");
        });
    }

    [Fact]
    public void Links_OfEveryPage_LeadSomewhere()
    {
        var pages = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md"));

        var broken = pages.SelectMany(page => Link().Matches(File.ReadAllText(page))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && target[0] != '#')
            .Where(target => !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, target.Split('#')[0])))
            .Select(target => $"{Path.GetRelativePath(Repository.Root, page)}: {target}"));

        Assert.Empty(broken);
    }

    [Fact]
    public void Settings_OfSandboxes_AreAllOnTheirPageAndNoOthers()
    {
        var settings = Property().Matches(File.ReadAllText(Path.Combine(Repository.Root, "Worker", "Sandboxes", "SandboxOptions.cs"))).Select(match => match.Groups[1].Value);
        var rows = File.ReadLines(Path.Combine(Repository.Root, "docs", "sandboxes.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal));

        var documented = rows.SelectMany(row => Name().Matches(row.Split('|')[1])).Select(match => match.Groups[1].Value);

        Assert.Equal(settings.Order(), documented.Order());
    }

    [Fact]
    public void Examples_Everywhere_HaveAManifestThatIsRight()
    {
        var examples = Directory.GetDirectories(Path.Combine(Repository.Root, "examples"));

        Assert.NotEmpty(examples);
        Assert.All(examples, path =>
        {
            var manifest = Contracts.Functions.ManifestReader.Read(File.ReadAllText(Path.Combine(path, "function.yaml")), out var errors);
            Assert.Empty(errors);
            Assert.NotNull(manifest);
        });
    }

    [GeneratedRegex(@"public \S+ (\w+) \{ get; init; \}")]
    private static partial Regex Property();

    [GeneratedRegex("`(\\w+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}

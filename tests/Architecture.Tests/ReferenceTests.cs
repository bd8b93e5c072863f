using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace FaasCluster.Architecture.Tests;

public sealed class ReferenceTests
{
    public static TheoryData<string> Projects => Repository.Projects;

    [Fact]
    public void Projects_OfTheProduct_AreThoseOfTheTable()
    {
        var found = Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Where(path => path.Split('/')[0] is not ("tests" or "bench" or "examples" or "artifacts" or "runtimes"))
            .Order();

        Assert.Equal(Repository.MayReference.Keys.Select(name => $"{name}/{name}.csproj").Order(), found);
    }

    [Fact]
    public void Runtime_InsideTheSandbox_ReferencesNothing()
    {
        // What it brought would meet what a package brings.
        var project = System.Xml.Linq.XDocument.Load(Path.Combine(Repository.Root, "runtimes/dotnet/Runtime.csproj"));
        Assert.DoesNotContain(project.Descendants(), element => element.Name.LocalName.EndsWith("Reference", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectReferences_OfAProject_AreThoseOfTheTable(string project)
    {
        var references = Repository.ReadProject(project).Descendants("ProjectReference")
            .Where(reference => (string?)reference.Attribute("ReferenceOutputAssembly") != "false")
            .Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!));

        Assert.Empty(references.Except(Repository.MayReference[project]));
    }

    // What was compiled, whatever the project files say: a reference by file, or one that came in through another project.
    [Theory]
    [MemberData(nameof(Projects))]
    public void AssemblyReferences_OfAProject_AreWithinWhatTheTableReaches(string project)
    {
        const string Prefix = "FaasCluster.";
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, $"{Prefix}{project}.dll")));
        var metadata = file.GetMetadataReader();
        var references = metadata.AssemblyReferences
            .Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..]);

        Assert.Empty(references.Except(Reachable(project)));
    }

    [Fact]
    public void GatewayAndWorker_InTheTable_NeverReachEachOther()
    {
        Assert.DoesNotContain("Worker", Reachable("Gateway"));
        Assert.DoesNotContain("Gateway", Reachable("Worker"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void PackageReferences_OfAProject_HaveTheirVersionInOnePlace(string project)
    {
        Assert.All(Repository.ReadProject(project).Descendants("PackageReference"), package => Assert.Null(package.Attribute("Version")));
    }

    [Fact]
    public void PackageVersions_Everywhere_AreExact()
    {
        var versions = System.Xml.Linq.XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion").ToList();

        Assert.NotEmpty(versions);
        Assert.All(versions, package => Assert.Matches(@"^\[?\d+\.\d+\.\d+[0-9A-Za-z.-]*\]?$", (string)package.Attribute("Version")!));
        // 9 is commercial and refuses to start without a licence.
        Assert.All(
            versions.Where(package => ((string)package.Attribute("Include")!).StartsWith("MassTransit", StringComparison.Ordinal)),
            package => Assert.StartsWith("[8.", (string)package.Attribute("Version")!));
    }

    private static HashSet<string> Reachable(string project)
    {
        HashSet<string> found = [];
        var left = new Queue<string>(Repository.MayReference[project]);
        while (left.TryDequeue(out var next))
        {
            if (found.Add(next))
            {
                foreach (var further in Repository.MayReference[next])
                {
                    left.Enqueue(further);
                }
            }
        }

        return found;
    }
}

using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Isolation;
using FaasCluster.Worker.Sandboxes.Launch;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Nothing is lost when something goes wrong half-way.</summary>
public sealed class LeakTests(LeakTests.Fixture fixture) : IClassFixture<LeakTests.Fixture>
{
    [Fact]
    public async Task Launch_WithoutEnoughDescriptors_LeavesNothingAndWorksAgainLater()
    {
        var root = SandboxFixture.MakeRoot();
        try
        {
            await HelperTests.RunAsync(root, nameof(HelperTests.Launcher_RunsOutOfDescriptors));
        }
        finally
        {
            await HelperTests.CleanAsync(root);
        }
    }

    [Fact]
    public async Task Host_DisposedWhileSandboxesStart_EndsEveryStartAndLeavesNothing()
    {
        var other = new Fixture();
        await other.InitializeAsync();
        var name = other.Host.Name;
        FunctionRevision[] revisions = [other.Python("def handler(event, context): return 1"), Mounted(other), other.Node("exports.handler = async () => 1")];
        var starts = Enumerable.Range(0, 9).Select(i => Task.Run(() => other.Factory.StartAsync(revisions[i % 3], new TestLog(), CancellationToken.None))).ToList();
        await await Task.WhenAny(starts);

        await other.DisposeAsync();

        var ended = await Task.WhenAll(starts).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.All(ended, start => Assert.True(start.Sandbox is null != start.Error is null));
        foreach (var start in ended.Where(start => start.Sandbox is not null))
        {
            await start.Sandbox!.DisposeAsync();
        }

        var late = await other.Factory.StartAsync(revisions[0], new TestLog(), CancellationToken.None);
        Assert.Contains("stopping", late.Error!.Message);
        Assert.Empty(Leftovers.Processes(name));
        Assert.Empty(Leftovers.CgroupsOf(name));
        Assert.False(Directory.Exists(other.Root));
    }

    [Fact]
    public async Task Host_ThatCannotStart_SaysWhyAndGivesItsPlaceBack()
    {
        var root = SandboxFixture.MakeRoot();
        var program = Path.Combine(root, "bwrap");
        await File.WriteAllTextAsync(program, "no program");
        var options = new SandboxOptions { Directory = Path.Combine(root, "state"), BubblewrapPath = program };
        await using (var host = new SandboxHost(null!, new SandboxStatus(), Options.Create(options), null!, TimeProvider.System, NullLogger<SandboxHost>.Instance, Defences.All))
        {
            Assert.Contains(program, await host.StartAsync());
        }

        // A process that another test starts just now holds for a moment what it inherits.
        await Wait.UntilAsync(() =>
        {
            using var next = InstanceDirectory.Take(options.EffectiveDirectory);
            return next.Number == 0;
        });
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Package_ThatIsMounted_StaysForAsLongAsItsSandbox()
    {
        var revision = Mounted(fixture);
        await using var sandbox = await fixture.StartAsync(revision);

        // The second start gives its own package back, which is when the cache looks for what to remove.
        SandboxFixture.Text(await fixture.RunAsync(fixture.Python("def handler(event, context): return 1")));
        Assert.Equal("\"data\"", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
    }

    private static FunctionRevision Mounted(SandboxFixture fixture)
    {
        var directory = Directory.CreateDirectory(Path.Combine(fixture.Root, Path.GetRandomFileName())).FullName;
        File.WriteAllText(Path.Combine(directory, "app.py"), "def handler(event, context): return open('data.txt').read()");
        File.WriteAllText(Path.Combine(directory, "data.txt"), "data");
        return fixture.Deploy(RuntimeIds.Python3, "app.handler", PackageBuilder.FromDirectory(directory));
    }

    public sealed class Fixture : SandboxFixture
    {
        // No package is kept that is not in use, and those with two files are mounted.
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:PackageCacheBytes"] = "0", ["Sandbox:MostLinkedFiles"] = "1" };
    }
}

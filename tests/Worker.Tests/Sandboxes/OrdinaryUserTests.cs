namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>
/// Runs this folder's tests again in a process of an ordinary user: without any cgroup, and with a version 1 subtree that was
/// given to that user.
/// </summary>
public sealed class OrdinaryUserTests(ITestOutputHelper output)
{
    private static readonly string[] All = ["-namespace", typeof(OrdinaryUserTests).Namespace!];

    [Fact]
    public Task Sandboxes_WithoutCgroups_HoldForAnOrdinaryUser() =>
        new NestedRun { AsUser = true, Cgroup = "/nobody-may-write-here", Tests = [.. All, "-namespace", typeof(Network.ListenTests).Namespace!], AtLeast = 180 }.RunAsync(output);

    [Fact]
    public async Task Sandboxes_WithADelegatedCgroup_HoldForAnOrdinaryUser()
    {
        await using var cgroup = await DelegatedCgroup.MakeAsync();
        await new NestedRun { AsUser = true, Cgroup = cgroup.Path, Tests = [.. All, "-namespace", typeof(Attacks.AttackTests).Namespace!], AtLeast = 110 }.RunAsync(output);
    }
}

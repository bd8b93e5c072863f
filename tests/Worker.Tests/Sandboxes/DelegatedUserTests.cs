using FaasCluster.Worker.Tests.Sandboxes.Attacks;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Runs tests of attacks, limits and measurements again in a process of an ordinary user to whom a version 1 subtree of cgroups was given.</summary>
public sealed class DelegatedUserTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Sandboxes_WithADelegatedCgroup_HoldForAnOrdinaryUser()
    {
        await using var cgroup = await DelegatedCgroup.MakeAsync();
        await new NestedRun
        {
            AsUser = true,
            Cgroup = cgroup.Path,
            Tests = NestedRun.Select(
                [
                    typeof(AttackTests), typeof(HeaderTests), typeof(InjectionTests), typeof(TakeoverTests), typeof(HostileTests), typeof(LauncherTests), typeof(LifeTests),
                    typeof(CpuShareTests),
                ],
                (typeof(NodeTests), nameof(NodeTests.Heap_PastTheFunctionsMemory_IsOutOfMemory)),
                (typeof(PythonTests), nameof(PythonTests.Measurements_AreOfThisInvocation))),
            AtLeast = 100,
        }.RunAsync(output);
    }
}

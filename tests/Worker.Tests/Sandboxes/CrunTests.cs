using FaasCluster.Worker.Tests.Sandboxes.Attacks;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Runs tests of this folder again with crun in bubblewrap's place, as root and as an ordinary user.</summary>
public sealed class CrunTests(ITestOutputHelper output)
{
    // crun refuses a host where both versions of cgroups have controllers, as some hybrid hosts do: here it does not see the newer.
    private static readonly string[] WithoutVersion2 =
    [
        "/usr/bin/unshare", "--mount", "/bin/sh", "-c", "if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified || exit; fi; exec \"$@\"", "sh",
    ];

    [Fact]
    public Task Sandboxes_OfCrun_HoldForRoot()
    {
        SkipWithoutCrun();
        return new NestedRun
        {
            Isolation = "Crun",
            Within = WithoutVersion2,
            Tests = NestedRun.Select(
                [typeof(AttackTests), typeof(HeaderTests), typeof(InjectionTests), typeof(TakeoverTests), typeof(HostileTests), typeof(LauncherTests), typeof(LifeTests)],
                (typeof(SystemCallTests), nameof(SystemCallTests.Calls_OfAFunction_AreAnsweredAsTheTableSays)),
                (typeof(SystemCallTests), nameof(SystemCallTests.Canary_WithoutTheFilter_KeepsTheWorkerFromTakingWork))),
            AtLeast = 100,
        }.RunAsync(output);
    }

    [Fact]
    public Task Sandboxes_OfCrun_HoldForAnOrdinaryUser()
    {
        SkipWithoutCrun();
        return new NestedRun
        {
            AsUser = true,
            Isolation = "Crun",
            Cgroup = "/nobody-may-write-here",
            Within = WithoutVersion2,
            Tests = NestedRun.Select(
                [typeof(AttackTests), typeof(LauncherTests), typeof(ExecutableTests), typeof(Network.ListenTests), typeof(Network.RefusalTests), typeof(Network.DestinationTests), typeof(Network.RelayTests)]),
            AtLeast = 100,
        }.RunAsync(output);
    }

    private static void SkipWithoutCrun() => Assert.SkipUnless(File.Exists("/usr/bin/crun"), "crun is not installed.");
}

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
            Tests = Classes(typeof(HostileTests), typeof(AttackTests), typeof(LauncherTests), typeof(LifeTests), typeof(SystemCallTests)),
            AtLeast = 60,
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
            Tests = Classes(typeof(AttackTests), typeof(LauncherTests), typeof(ExecutableTests), typeof(Network.ListenTests), typeof(Network.RelayTests), typeof(Network.NameTests)),
            AtLeast = 50,
        }.RunAsync(output);
    }

    private static void SkipWithoutCrun() => Assert.SkipUnless(File.Exists("/usr/bin/crun"), "crun is not installed.");

    private static string[] Classes(params IEnumerable<Type> types) => [.. types.SelectMany(type => new[] { "-class", type.FullName! })];
}

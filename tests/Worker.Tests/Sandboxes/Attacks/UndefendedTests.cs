namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>
/// Each attack succeeds when its defence is off: what the others prove is the defences' doing. This runs in namespaces to be thrown
/// away, as an ordinary user, or the root of a user namespace in which there is no other user, below a cgroup with limits of its own, so
/// that what gets out of the sandbox is still far from the host.
/// </summary>
public sealed class UndefendedTests(ITestOutputHelper output)
{
    private static readonly string[] Namespaces =
    [
        "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--ipc", "--uts", "--",

        // Process 1, which the worker must not be.
        "/bin/sh", "-c", "\"$@\"; exit $?", "sh",
    ];

    public static TheoryData<string> Attacks => [.. AttackList.All.Select(attack => attack.Name)];

    [Fact]
    public Task Attacks_OfAnOrdinaryUsersSandboxes_SucceedWithoutTheirDefence() => RunAsync("--map-current-user", AttackList.All.Count);

    [Fact]
    public Task Attacks_OfSandboxesStartedByRoot_SucceedWithoutTheirDefence() => RunAsync("--map-root-user", AttackList.All.Count);

    [Theory(Explicit = true)]
    [MemberData(nameof(Attacks))]
    public async Task Attack_WithoutItsDefence_Succeeds(string name)
    {
        Assert.True(NestedRun.IsIt && Directory.GetDirectories("/proc").Count(path => int.TryParse(Path.GetFileName(path), out _)) < 30, "Run in a namespace of its own alone.");
        var attack = AttackList.All.Single(attack => attack.Name == name);
        Assert.SkipUnless(attack.NeedsRoot == Environment.IsPrivilegedProcess, "It is the other run's.");
        await using var fixture = new AttackFixture.Without(attack);
        await fixture.InitializeAsync();

        foreach (var runtime in attack.Runtimes)
        {
            Assert.True(await fixture.TryAsync(attack, runtime) is not null, $"As a function of the runtime {runtime} it gains nothing.");
        }
    }

    private async Task RunAsync(string map, int atLeast)
    {
        await using var cgroup = await DelegatedCgroup.MakeAsync(memoryBytes: 2L << 30, processes: 600);
        await new NestedRun
        {
            AsUser = true,
            Cgroup = cgroup.Path,
            Within = ["/bin/sh", "-c", "while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit; shift; done; shift; exec \"$@\"", "sh", .. cgroup.ProcsFiles, "--"],
            Inside = ["/usr/bin/unshare", "--user", map, .. Namespaces],
            Tests = ["-explicit", "only", "-class", typeof(UndefendedTests).FullName!],
            AtLeast = atLeast,
        }.RunAsync(output);
    }
}

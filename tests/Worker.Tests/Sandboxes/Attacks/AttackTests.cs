using FaasCluster.Contracts.Functions;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>Every attack of the list, against sandboxes as they are: none gains anything, and the next function is unaffected.</summary>
public sealed class AttackTests(AttackFixture fixture) : IClassFixture<AttackFixture>
{
    public static TheoryData<string, string> Attacks =>
        [.. AttackList.All.SelectMany(attack => new (string, string)[] { (attack.Name, RuntimeIds.Python3), (attack.Name, RuntimeIds.Executable) })];

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Attack_AgainstAllDefences_GainsNothing(string name, string runtime)
    {
        var attack = AttackList.All.Single(attack => attack.Name == name);
        Assert.SkipWhen(attack.NeedsRoot && !Environment.IsPrivilegedProcess, "It is an attack on a worker that is root.");
        Assert.SkipWhen(attack.NeedsCgroup && !fixture.EnforcesMemory, "Without a cgroup nobody counts that.");

        Assert.Null(await fixture.TryAsync(attack, runtime));
        Assert.Equal("\"well\"", SandboxFixture.Text(await fixture.RunAsync(fixture.Python("def handler(e, c): return 'well'"))));
    }
}

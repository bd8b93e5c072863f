using FaasCluster.Chaos.Checking;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Chaos.Tests;

public sealed class UsageCheckerTests
{
    private static readonly StoredBill[] Bills = [.. Planted.Sound().Bills];

    [Fact]
    public void Usage_ThatIsTheSumOfTheBills_IsRight() => Assert.Empty(Check(billed: 20));

    [Fact]
    public void Usage_OfAnotherSum_IsFound() => Assert.Equal([Invariants.Usage], Check(billed: 30));

    private static List<string> Check(long billed)
    {
        var line = new UsageLine { Function = "flaky", Attempts = 2, Errors = 1, ColdStarts = 0, BilledMs = billed, GbSeconds = 0.2m, Cost = 0.02m };
        var findings = new Findings();
        UsageChecker.Check(new UsageReport { Functions = [line], Currency = "USD", Since = default, Until = default }, Bills, findings);
        return [.. findings.All.Select(finding => finding.Invariant)];
    }
}

using FaasCluster.Cli.Invoking;

namespace FaasCluster.Cli.Tests.Invoking;

public sealed class InvocationSummaryTests
{
    [Fact]
    public void ParseServerTiming_Entries_AreReadInOrder() => Assert.Equal(
        [("queue", 0.6), ("run", 12)],
        InvocationSummary.ParseServerTiming("queue;dur=0.6, cache;desc=\"x\", run;desc=y;dur=12"));

    [Theory]
    [InlineData("")]
    [InlineData(",;,")]
    [InlineData("run;dur=abc")]
    public void ParseServerTiming_Nonsense_IsNothing(string header) => Assert.Empty(InvocationSummary.ParseServerTiming(header));
}

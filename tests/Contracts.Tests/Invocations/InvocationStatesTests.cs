using FaasCluster.Contracts.Invocations;
using static FaasCluster.Contracts.Invocations.InvocationState;

namespace FaasCluster.Contracts.Tests.Invocations;

public sealed class InvocationStatesTests
{
    private static readonly InvocationState[] Ends = [Succeeded, Failed, Cancelled, Expired, Lost];

    [Fact]
    public void CanBecome_EveryPair_IsAsTheTableSays()
    {
        HashSet<(InvocationState, InvocationState)> legal =
        [
            (Queued, Running), (Queued, Succeeded), (Queued, Failed), (Queued, Cancelled), (Queued, Expired), (Queued, Lost),
            (Running, Queued), (Running, Succeeded), (Running, Failed), (Running, Cancelled), (Running, Expired), (Running, Lost),
        ];

        foreach (var from in Enum.GetValues<InvocationState>())
        {
            foreach (var to in Enum.GetValues<InvocationState>())
            {
                Assert.Equal(legal.Contains((from, to)), from.CanBecome(to));
            }
        }
    }

    [Fact]
    public void IsTerminal_EveryState_IsTrueExactlyForTheEnds() =>
        Assert.Equal(Ends, Enum.GetValues<InvocationState>().Where(state => state.IsTerminal()));

    [Fact]
    public void Parse_WireName_IsTheState() =>
        Assert.All(Enum.GetValues<InvocationState>(), state => Assert.Equal(state, InvocationStates.Parse(state.ToWire())));

    [Theory]
    [InlineData("")]
    [InlineData("Succeeded")]
    [InlineData("done")]
    public void Parse_UnknownName_SaysWhatIsExpected(string name)
    {
        Assert.False(InvocationStates.TryParse(name, out _));
        Assert.Contains("queued, running, succeeded", Assert.Throws<FormatException>(() => InvocationStates.Parse(name)).Message);
    }

    [Fact]
    public void Kinds_WireNames_AreReadBack()
    {
        Assert.All(Enum.GetValues<InvocationKind>(), kind => Assert.Equal(kind, InvocationKinds.ParseKind(kind.ToWire())));
        Assert.All(Enum.GetValues<TriggerKind>(), trigger => Assert.Equal(trigger, InvocationKinds.ParseTrigger(trigger.ToWire())));
        Assert.Throws<FormatException>(() => InvocationKinds.ParseKind("sync"));
        Assert.Throws<FormatException>(() => InvocationKinds.ParseTrigger("cron"));
    }
}

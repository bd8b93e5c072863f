using FaasCluster.Worker.Lanes;

namespace FaasCluster.Worker.Tests.Lanes;

public sealed class LanePolicyTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(1);

    [Fact]
    public void SlotLimit_FunctionThatComputes_IsTwiceTheCores()
    {
        var policy = new LanePolicy(cores: 2, slotLimit: 100);
        Repeat(100, () => policy.Observe(Long, Long));

        Assert.Equal(4, policy.SlotLimit);
    }

    [Fact]
    public void SlotLimit_FunctionThatWaits_GrowsToTheConfiguredLimit()
    {
        var policy = new LanePolicy(cores: 2, slotLimit: 100);
        Repeat(100, () => policy.Observe(Long, TimeSpan.FromMilliseconds(1)));

        Assert.Equal(100, policy.SlotLimit);
    }

    [Fact]
    public void Prefetch_LongRuns_IsOnePerSlot()
    {
        var policy = new LanePolicy(cores: 2, slotLimit: 100);
        Repeat(10, () => policy.Observe(Long, null));

        Assert.Equal(4, policy.Prefetch(slots: 4));
    }

    [Fact]
    public void Prefetch_ShortRuns_FetchesAheadButNotWithoutBound()
    {
        var policy = new LanePolicy(cores: 2, slotLimit: 100);
        Repeat(10, () => policy.Observe(Short, null));

        Assert.Equal(64, policy.Prefetch(slots: 1));
        Assert.Equal(128, policy.Prefetch(slots: 2));
    }

    [Fact]
    public void Prefetch_NothingKnownYet_IsOnePerSlot() => Assert.Equal(1, new LanePolicy(2, 100).Prefetch(0));

    [Fact]
    public void EventPrefetch_LongRuns_IsOneMoreThanTheSlotsUntilThereAreAllThatMayBe()
    {
        var policy = new LanePolicy(cores: 2, slotLimit: 100);
        Repeat(10, () => policy.Observe(Long, Long));

        Assert.Equal([1, 2, 3, 4, 4], Enumerable.Range(0, 5).Select(policy.EventPrefetch));
    }

    private static void Repeat(int times, Action action)
    {
        for (var i = 0; i < times; i++)
        {
            action();
        }
    }
}

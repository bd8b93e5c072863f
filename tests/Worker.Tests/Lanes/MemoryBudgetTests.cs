using FaasCluster.Worker.Lanes;

namespace FaasCluster.Worker.Tests.Lanes;

public sealed class MemoryBudgetTests
{
    [Fact]
    public async Task TryReserve_FromManyThreads_NeverPromisesMoreThanThereIs()
    {
        var budget = new MemoryBudget(1000);
        var granted = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                if (budget.TryReserve(7))
                {
                    Interlocked.Increment(ref granted);
                }
            }
        })));

        Assert.Equal(1000 / 7, granted);
        Assert.Equal(granted * 7, budget.ReservedBytes);
    }

    [Fact]
    public void Release_AfterReserve_MakesRoomAgain()
    {
        var budget = new MemoryBudget(100);
        Assert.True(budget.TryReserve(100));
        Assert.False(budget.TryReserve(1));

        budget.Release(100);

        Assert.True(budget.TryReserve(100));
    }
}

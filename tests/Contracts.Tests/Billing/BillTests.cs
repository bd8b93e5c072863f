using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Contracts.Tests.Billing;

public sealed class BillTests
{
    private const long Megabyte = 1L << 20;
    private static readonly PriceTable Prices = new();

    // Worked by hand: GB-s = ms / 1000 * MB / 1024; cost = GB-s * 0.0000166667 + 0.0000002.
    [Theory]
    [InlineData(0, 0, 128, 0, "0", "0.0000002")]
    [InlineData(0, 1000, 1024, 1000, "1", "0.0000168667")]
    [InlineData(0, 1, 128, 1, "0.000125", "0.000000202083")] // 0.0000000020833375 + 0.0000002
    [InlineData(0, 300, 256, 300, "0.075", "0.000001450002")] // 0.00000125000250 → even
    [InlineData(120, 380, 512, 500, "0.25", "0.000004366675")]
    [InlineData(0, 900_000, 10240, 900_000, "9000", "0.1500005")]
    public void For_Success_IsTimeTimesMemoryAndTheRequest(int initMs, int runMs, int megabytes, long billed, string gigabyteSeconds, string cost)
    {
        var bill = Bill.For(Timings(initMs, runMs), error: null, megabytes * Megabyte, Prices);

        Assert.Equal(billed, bill.BilledMilliseconds);
        Assert.Equal(decimal.Parse(gigabyteSeconds), bill.GigabyteSeconds);
        Assert.Equal(decimal.Parse(cost), bill.Cost);
        Assert.Equal("default-1", bill.PriceVersion);
    }

    [Theory]
    [InlineData(9, 0)]
    [InlineData(10, 1)]
    [InlineData(9_999, 1)]
    [InlineData(10_000, 1)]
    [InlineData(10_009, 1)]
    [InlineData(10_010, 2)]
    [InlineData(19_999, 2)]
    public void For_PartOfAMillisecond_RoundsUp(long ticks, long billed)
    {
        var bill = Bill.For(new InvocationTimings { Run = TimeSpan.FromTicks(ticks) }, null, 128 * Megabyte, Prices);

        Assert.Equal(billed, bill.BilledMilliseconds);
    }

    [Fact]
    public void For_PartsOfAMicrosecond_CountAsLittleAsInTheRecord()
    {
        var timings = new InvocationTimings { Init = new TimeSpan(10_009), Run = new TimeSpan(20_009) };

        Assert.Equal(3, Bill.For(timings, null, 128 * Megabyte, Prices).BilledMilliseconds);
    }

    [Fact]
    public void For_InitAndRun_AreRoundedTogetherNotEach()
    {
        var half = TimeSpan.FromMicroseconds(500);

        Assert.Equal(1, Bill.For(new InvocationTimings { Init = half, Run = half }, null, 128 * Megabyte, Prices).BilledMilliseconds);
    }

    [Fact]
    public void For_QueueAndStart_AreNotBilled()
    {
        var timings = new InvocationTimings { Queue = TimeSpan.FromHours(1), Start = TimeSpan.FromSeconds(5), Run = TimeSpan.FromMilliseconds(2) };

        Assert.Equal(2, Bill.For(timings, null, 128 * Megabyte, Prices).BilledMilliseconds);
    }

    [Fact]
    public void For_NegativeTimes_AreNothing()
    {
        var timings = new InvocationTimings { Init = TimeSpan.FromSeconds(-5), Run = TimeSpan.FromMilliseconds(3) };

        Assert.Equal(3, Bill.For(timings, null, 128 * Megabyte, Prices).BilledMilliseconds);
    }

    [Fact]
    public void For_EveryErrorCode_IsBilledIfTheTableSaysSo()
    {
        foreach (var info in ErrorCodes.All)
        {
            var bill = Bill.For(Timings(0, 100), info.Code, 1024 * Megabyte, Prices);

            Assert.Equal(info.Billed ? 100 : 0, bill.BilledMilliseconds);
            Assert.Equal(info.Billed, bill.Cost > 0);
            Assert.Equal(info.Billed, bill.GigabyteSeconds > 0);
            Assert.Equal(Prices.Version, bill.PriceVersion);
        }
    }

    // Whatever the numbers: never negative, monotonic in time and memory, GB-seconds exact, cost within half of its last place.
    [Fact]
    public void For_AnyTimesAndMemory_KeepsItsProperties()
    {
        var random = new Random(20260301);
        for (var i = 0; i < 10_000; i++)
        {
            var init = TimeSpan.FromTicks(random.NextInt64(0, TimeSpan.FromSeconds(300).Ticks));
            var run = TimeSpan.FromTicks(random.NextInt64(0, TimeSpan.FromSeconds(900).Ticks));
            var memory = random.NextInt64(64, 10_241) * Megabyte;
            var prices = new PriceTable { PerGigabyteSecond = random.Next(0, 1_000_000) / 1e10m, PerRequest = random.Next(0, 1000) / 1e10m };
            var timings = new InvocationTimings { Init = init, Run = run };

            var bill = Bill.For(timings, null, memory, prices);

            var milliseconds = (init + run).TotalMilliseconds;
            Assert.InRange(bill.BilledMilliseconds, milliseconds - 0.002, milliseconds + 1);
            Assert.Equal(bill.BilledMilliseconds * (memory / Megabyte), bill.GigabyteSeconds * 1000 * 1024);
            Assert.InRange(bill.Cost - ((bill.GigabyteSeconds * prices.PerGigabyteSecond) + prices.PerRequest), -0.0000000000005m, 0.0000000000005m);
            Assert.True(Bill.For(timings with { Run = run + TimeSpan.FromMilliseconds(1) }, null, memory, prices).Cost >= bill.Cost);
            Assert.True(Bill.For(timings, null, memory + Megabyte, prices).GigabyteSeconds >= bill.GigabyteSeconds);
        }
    }

    private static InvocationTimings Timings(int initMs, int runMs) =>
        new() { Init = TimeSpan.FromMilliseconds(initMs), Run = TimeSpan.FromMilliseconds(runMs) };
}

using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Tests.Reporting;

public sealed class SamplesTests
{
    [Theory]
    [InlineData(0.5, 50)]
    [InlineData(0.99, 99)]
    [InlineData(1, 100)]
    [InlineData(0.001, 1)]
    public void Percentile_OfOneToHundred_IsTheNearestRank(double share, double expected)
    {
        var samples = new Samples();
        for (var i = 100; i >= 1; i--)
        {
            samples.AddMilliseconds(i);
        }

        Assert.Equal(expected, samples.Percentile(share), tolerance: 0.001);
    }

    [Fact]
    public void Percentile_AfterFurtherSamples_CountsThem()
    {
        var samples = new Samples();
        samples.AddMilliseconds(5);
        Assert.Equal(5, samples.Percentile(0.5), tolerance: 0.001);

        samples.AddMilliseconds(1);
        samples.AddMilliseconds(2);

        Assert.Equal(2, samples.Percentile(0.5), tolerance: 0.001);
    }

    [Fact]
    public void Percentile_OfNothing_FailsInsteadOfInventingAFigure() => Assert.Throws<BenchFailedException>(() => new Samples().Percentile(0.5));
}

using System.Text.Json;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Tests.Reporting;

public sealed class ReportTests
{
    [Fact]
    public void Json_OfRounds_HoldsRatiosWithTheirRange()
    {
        var report = new Report();
        report.Begin("speed");
        foreach (var (mine, raw) in new[] { (3.0, 1.0), (2.0, 2.0), (8.0, 4.0) })
        {
            report.Figure("mine", "ms", mine);
            report.Ratio("mine_ratio", mine, raw);
        }

        report.Overall("mine_ratio", 1.5);

        var ratio = JsonDocument.Parse(report.ToJson()).RootElement.GetProperty("ratios").GetProperty("mine_ratio");
        Assert.Equal(1, ratio.GetProperty("min").GetDouble());
        Assert.Equal(2, ratio.GetProperty("median").GetDouble());
        Assert.Equal(3, ratio.GetProperty("max").GetDouble());
        Assert.Equal(1.5, ratio.GetProperty("overall").GetDouble());
        Assert.Equal([3.0, 1.0, 2.0], ratio.GetProperty("rounds").EnumerateArray().Select(round => round.GetDouble()));
    }

    [Fact]
    public void Print_ShowsEveryFigureUnderItsHeading()
    {
        var report = new Report();
        report.Begin("speed");
        report.Figure("rate", "1/s", 12_345);
        var output = new StringWriter();

        report.Print(output);

        var lines = output.ToString().Split('\n');
        Assert.Contains("speed", lines);
        Assert.Contains(lines, line => line.Contains("rate") && line.Contains("12,345") && line.EndsWith("1/s", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(new[] { 4.0, 1.0, 3.0 }, 3.0)]
    [InlineData(new[] { 4.0, 1.0, 3.0, 2.0 }, 2.5)]
    public void Median_OfRounds_IsTheMiddle(double[] rounds, double expected) => Assert.Equal(expected, Series.Of("ms", rounds).Median);
}

using FaasCluster.Storage.Maintenance;

namespace FaasCluster.Storage.Tests.Maintenance;

public sealed class PartitionRangeTests
{
    private static readonly DateTimeOffset Day = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Missing_NothingPresent_IsWholeSpans()
    {
        var missing = PartitionRange.Missing([], Day.AddHours(7), Day.AddHours(49), TimeSpan.FromDays(1));

        Assert.Equal([new(Day, Day.AddDays(1)), new(Day.AddDays(1), Day.AddDays(2)), new(Day.AddDays(2), Day.AddDays(3))], missing);
    }

    [Fact]
    public void Missing_SomePresent_IsTheRest()
    {
        var missing = PartitionRange.Missing([new(Day.AddDays(1), Day.AddDays(2))], Day, Day.AddDays(3), TimeSpan.FromDays(1));

        Assert.Equal([new(Day, Day.AddDays(1)), new(Day.AddDays(2), Day.AddDays(3))], missing);
    }

    [Fact]
    public void Missing_PartitionsOfAnotherSpan_FillsTheGapsBetweenThem()
    {
        var missing = PartitionRange.Missing([new(Day.AddHours(6), Day.AddHours(7))], Day, Day.AddDays(1), TimeSpan.FromDays(1));

        Assert.Equal([new(Day, Day.AddHours(6)), new(Day.AddHours(7), Day.AddDays(1))], missing);
    }

    [Fact]
    public void Missing_EverythingPresent_IsNothing() =>
        Assert.Empty(PartitionRange.Missing([new(Day.AddDays(-1), Day.AddDays(9))], Day, Day.AddDays(3), TimeSpan.FromHours(1)));

    [Fact]
    public void Parse_BoundOfPostgres_IsTheRange() => Assert.Equal(
        new PartitionRange(Day, Day.AddDays(1)),
        PartitionRange.Parse($"FOR VALUES FROM ('{Contracts.Uuid7.LowerBound(Day)}') TO ('{Contracts.Uuid7.LowerBound(Day.AddDays(1))}')"));

    [Fact]
    public void Parse_DefaultPartition_IsNone() => Assert.Null(PartitionRange.Parse("DEFAULT"));

    [Fact]
    public void NameFor_StartsWithTheTableAndSorts() => Assert.Equal("invocations_p202611230000", new PartitionRange(Day, Day.AddDays(1)).NameFor("invocations"));
}

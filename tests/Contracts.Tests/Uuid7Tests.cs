using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Contracts.Tests;

public sealed class Uuid7Tests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, 123, TimeSpan.Zero);

    [Fact]
    public void New_AtAnInstant_CarriesItsMillisecond()
    {
        var id = Uuid7.New(new FakeTimeProvider(Noon));

        Assert.Equal(7, id.Version);
        Assert.Equal(Noon, Uuid7.TimeOf(id));
    }

    [Fact]
    public void New_LaterInstant_SortsAfterInTheOrderOfTheStore()
    {
        var time = new FakeTimeProvider(Noon);
        var earlier = Uuid7.New(time);
        time.Advance(TimeSpan.FromMilliseconds(1));
        var later = Uuid7.New(time);

        // PostgreSQL and SQLite compare the 16 bytes, which is the order of the text.
        Assert.True(string.CompareOrdinal(earlier.ToString("N"), later.ToString("N")) < 0);
    }

    [Fact]
    public void LowerBound_Before1970_IsTheSmallestId() => Assert.Equal(Guid.Empty, Uuid7.LowerBound(DateTimeOffset.MinValue));

    [Fact]
    public void LowerBound_OfAnInstant_IsBelowEveryIdOfItAndAboveEveryIdBefore()
    {
        var bound = Uuid7.LowerBound(Noon).ToString("N");
        var time = new FakeTimeProvider(Noon.AddMilliseconds(-1));

        for (var i = 0; i < 100; i++)
        {
            Assert.True(string.CompareOrdinal(Uuid7.New(time).ToString("N"), bound) < 0);
        }

        time.Advance(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 100; i++)
        {
            Assert.True(string.CompareOrdinal(Uuid7.New(time).ToString("N"), bound) >= 0);
        }
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(1_772_366_400_123L)]
    [InlineData((1L << 47) - 1)]
    public void TimeOf_LowerBound_IsTheInstant(long milliseconds)
    {
        var instant = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

        Assert.Equal(instant, Uuid7.TimeOf(Uuid7.LowerBound(instant)));
    }

    [Fact]
    public void Derive_SameArguments_GiveTheSameIdOfVersion7AndOthersAnother()
    {
        var cause = Guid.CreateVersion7();

        var id = Uuid7.Derive(Noon, cause, "function");

        Assert.Equal(id, Uuid7.Derive(Noon, cause, "function"));
        Assert.Equal((7, Noon), (id.Version, Uuid7.TimeOf(id)));
        Assert.Contains(id.ToString("D")[19], "89ab");
        Assert.NotEqual(id, Uuid7.Derive(Noon, cause, "queue"));
        Assert.NotEqual(id, Uuid7.Derive(Noon, Guid.CreateVersion7(), "function"));
    }
}

using FaasCluster.Gateway.Parameters;

namespace FaasCluster.Gateway.Tests.Parameters;

public sealed class InstantsTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("90s", "2026-06-01T11:58:30Z")]
    [InlineData("30m", "2026-06-01T11:30:00Z")]
    [InlineData("1h", "2026-06-01T11:00:00Z")]
    [InlineData("7d", "2026-05-25T12:00:00Z")]
    [InlineData("2026-01-31", "2026-01-31T00:00:00Z")]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z")]
    [InlineData("2026-01-31T12:00:00.5+02:00", "2026-01-31T10:00:00.5Z")]
    public void Text_OfATime_IsRead(string text, string expected)
    {
        Assert.True(Instants.TryParse(text, Now, out var instant));
        Assert.Equal(DateTimeOffset.Parse(expected), instant);
        Assert.Equal(TimeSpan.Zero, instant.Offset);
    }

    [Theory]
    [InlineData("")]
    [InlineData("banana")]
    [InlineData("1w")]
    [InlineData("-1h")]
    [InlineData("999999d")]
    [InlineData("1969-12-31")]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("2026-02-30")]
    [InlineData("١h")]
    public void Text_OfNoTime_IsRefused(string text) => Assert.False(Instants.TryParse(text, Now, out _));
}

using FaasCluster.Cli.Output;

namespace FaasCluster.Cli.Tests.Output;

public sealed class FiguresTests
{
    [Theory]
    [InlineData(0, "0.0 ms")]
    [InlineData(0.3, "0.3 ms")]
    [InlineData(9.94, "9.9 ms")]
    [InlineData(9.96, "10 ms")]
    [InlineData(123.4, "123 ms")]
    [InlineData(999.6, "1.0 s")]
    [InlineData(59_900, "59.9 s")]
    [InlineData(59_960, "0 min 59 s")]
    [InlineData(125_000, "2 min 5 s")]
    [InlineData(7_500_000, "2 h 5 min")]
    [InlineData(86_400_000d * 3, "3 d")]
    public void Duration_Span_HasItsUnit(double milliseconds, string expected) => Assert.Equal(expected, Figures.Milliseconds(milliseconds));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(2_100, "2.1 kB")]
    [InlineData(999_949, "999.9 kB")]
    [InlineData(999_951, "1.0 MB")]
    [InlineData(52_428_800, "52.4 MB")]
    [InlineData(5_000_000_000, "5.0 GB")]
    public void Size_Bytes_HasItsUnit(long bytes, string expected) => Assert.Equal(expected, Figures.Size(bytes));

    [Theory]
    [InlineData("0.0000002", "USD", "0.0000002 $")]
    [InlineData("0.000000202083", "EUR", "0.000000202083 EUR")]
    [InlineData("12.5", "USD", "12.5 $")]
    [InlineData("0", null, "0")]
    public void Money_Amount_HasAllItsPlaces(string amount, string? currency, string expected) =>
        Assert.Equal(expected, Figures.Money(decimal.Parse(amount), currency));
}

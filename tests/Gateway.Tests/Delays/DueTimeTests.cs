using FaasCluster.Gateway.Delays;
using FaasCluster.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace FaasCluster.Gateway.Tests.Delays;

public sealed class DueTimeTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Longest = DueTime.Longest(new StorageOptions());

    [Theory]
    [InlineData("Faas-Delay", "30", 30)]
    [InlineData("faas-delay", "30s", 30)]
    [InlineData("Faas-Delay", "1500ms", 1.5)]
    [InlineData("Faas-Delay", "1.5m", 90)]
    [InlineData("Faas-Delay", "2h", 7200)]
    [InlineData("Faas-Delay", "7d", 604_800)]
    [InlineData("Faas-At", "2026-03-01T12:00:30Z", 30)]
    [InlineData("Faas-At", "2026-03-01T13:30:30.5+01:30", 30.5)]
    public void Read_TimeToCome_IsTheTime(string name, string value, double seconds)
    {
        Assert.Equal(Now.AddSeconds(seconds), Read(out var error, (name, value)));
        Assert.Null(error);
    }

    [Theory]
    [InlineData("Faas-Delay", "0")]
    [InlineData("Faas-Delay", "0s")]
    [InlineData("Faas-At", "2026-03-01T12:00:00Z")]
    [InlineData("Faas-At", "2026-03-01T11:59:30Z")]
    public void Read_Now_IsAtOnce(string name, string value)
    {
        Assert.Null(Read(out var error, (name, value)));
        Assert.Null(error);
    }

    [Theory]
    [InlineData("Faas-Delay", "")]
    [InlineData("Faas-Delay", "-1")]
    [InlineData("Faas-Delay", "soon")]
    [InlineData("Faas-Delay", "1e3")]
    [InlineData("Faas-Delay", "30 s")]
    [InlineData("Faas-Delay", "30S")]
    [InlineData("Faas-Delay", "604801")]
    [InlineData("Faas-Delay", "999999999d")]
    [InlineData("Faas-Delay", "9999999999")]
    [InlineData("Faas-Delay", "\0")]
    [InlineData("Faas-At", "2026-03-01")]
    [InlineData("Faas-At", "2026-03-01T12:00:30")]
    [InlineData("Faas-At", "2026-02-30T12:00:30Z")]
    [InlineData("Faas-At", "2026-03-09T12:00:00Z")]
    [InlineData("Faas-At", "2026-03-01T11:58:00Z")]
    [InlineData("Faas-At", "9999-12-31T23:59:59Z")]
    [InlineData("Faas-At", "1h")]
    [InlineData("Faas-At", "\uD800")]
    public void Fault24_NoTimeOrOneOutOfRange_IsAnErrorThatNamesTheHeader(string name, string value)
    {
        Assert.Null(Read(out var error, (name, value)));
        Assert.Equal(name, error!.Field);
    }

    [Fact]
    public void Read_BothOrTwice_IsAnError()
    {
        Read(out var both, ("Faas-Delay", "30"), ("Faas-At", "2026-03-01T12:00:30Z"));
        Assert.Contains("expected one", both!.Message);
        Read(out var twice, ("Faas-Delay", "30"), ("Faas-Delay", "40"));
        Assert.Contains("expected one", twice!.Message);
    }

    [Fact]
    public void Read_OfASynchronousCall_IsAnError()
    {
        var headers = new HeaderDictionary { ["Faas-Delay"] = "30" };

        Assert.Null(DueTime.Read(headers, isAsynchronous: false, Now, Longest, out var error));
        Assert.Contains("respond-async", error!.Message);
    }

    [Fact]
    public void Longest_IsAWeekOrHalfOfTheRetention()
    {
        Assert.Equal(TimeSpan.FromDays(7), Longest);
        Assert.Equal(TimeSpan.FromDays(1), DueTime.Longest(new StorageOptions { Retention = TimeSpan.FromDays(2) }));
    }

    private static DateTimeOffset? Read(out Contracts.Functions.FieldError? error, params (string Name, string Value)[] fields)
    {
        var headers = new HeaderDictionary();
        foreach (var (name, value) in fields)
        {
            headers[name] = headers.TryGetValue(name, out var before) ? new StringValues([.. before, value]) : new StringValues(value);
        }

        return DueTime.Read(headers, isAsynchronous: true, Now, Longest, out error);
    }
}

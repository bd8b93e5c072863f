using System.Text.RegularExpressions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Contracts.Tests.Invocations;

public sealed partial class ErrorCodesTests
{
    [Fact]
    public void All_EveryCodeOfTheEnum_IsDescribedOnceInItsOrder()
    {
        Assert.Equal(Enum.GetValues<ErrorCode>(), ErrorCodes.All.Select(info => info.Code));
        Assert.All(Enum.GetValues<ErrorCode>(), code => Assert.Equal(code, code.Describe().Code));
    }

    [Fact]
    public void All_Names_AreUniqueSnakeCaseOfTheEnum()
    {
        Assert.Equal(ErrorCodes.All.Count, ErrorCodes.All.Select(info => info.Name).Distinct().Count());
        Assert.All(ErrorCodes.All, info => Assert.Equal(Capital().Replace($"{info.Code}", "_$0").ToLowerInvariant(), info.Name));
    }

    [Fact]
    public void Parse_WireName_IsTheCode() =>
        Assert.All(Enum.GetValues<ErrorCode>(), code => Assert.Equal(code, ErrorCodes.Parse(code.ToWire())));

    [Fact]
    public void Parse_UnknownName_SaysIt() => Assert.Contains("'timeuot'", Assert.Throws<FormatException>(() => ErrorCodes.Parse("timeuot")).Message);

    [Fact]
    public void All_Statuses_AreErrorsAndSayWhoseFaultItIs()
    {
        Assert.All(ErrorCodes.All, info => Assert.InRange(info.HttpStatus, 400, 599));
        Assert.All(ErrorCodes.All.Where(info => info.Fault == Fault.Caller), info => Assert.InRange(info.HttpStatus, 400, 499));
        Assert.All(ErrorCodes.All.Where(info => info.Fault != Fault.Caller), info => Assert.InRange(info.HttpStatus, 500, 599));
    }

    [Fact]
    public void All_Billed_IsExactlyWhatTheFunctionIsToBlameForWhileItRanAndWhatItsCallerDidNotWaitFor()
    {
        var billed = ErrorCodes.All.Where(info => info.Billed).Select(info => info.Code);

        Assert.Equal(
            ErrorCodes.All.Where(info => info.Fault == Fault.Function && info.Code != ErrorCode.Poison).Select(info => info.Code).Append(ErrorCode.CallerLeft),
            billed);
    }

    [Fact]
    public void All_RetriedByPolicy_IsExactlyWhatIsBilledAndNotEndedByItsCaller() =>
        Assert.All(ErrorCodes.All, info => Assert.Equal(info.Billed && info.Code != ErrorCode.CallerLeft, info.Retry == RetryTrack.Policy));

    [Fact]
    public void All_Titles_AreSentences() => Assert.All(ErrorCodes.All, info => Assert.Matches(@"^[A-Z].*\.$", info.Title));

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Capital();
}

using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;

namespace FaasCluster.Worker.Tests.Execution;

public sealed class RetryHeadersTests
{
    [Theory]
    [InlineData("Faas-Retry-After", "30", 30.0)]
    [InlineData("faas-retry-after", " 0 ", 1.0)]
    [InlineData("Faas-Retry-After", "9999999999", 21_600.0)]
    [InlineData("FAAS-RETRY", "Never", null)]
    public void Find_HeaderOfAFailedAttempt_IsTheFailureWithItsAdvice(string name, string value, double? seconds)
    {
        var failure = RetryHeaders.FindFailure(Answer((name, value)))!;

        Assert.Equal(ErrorCode.FunctionError, failure.Code);
        Assert.Equal(seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, failure.Advice!.Wait);
        Assert.Contains("status 503", failure.Message);
    }

    [Fact]
    public void Find_BothHeaders_NeverWins() =>
        Assert.Same(RetryAdvice.Never, RetryHeaders.FindFailure(Answer(("Faas-Retry-After", "30"), ("Faas-Retry", "never")))!.Advice);

    [Fact]
    public void Find_SecondsThatAreNoNumber_IsAFailureByThePolicy()
    {
        var failure = RetryHeaders.FindFailure(Answer(("Faas-Retry-After", "soon")))!;

        Assert.Equal((ErrorCode.FunctionError, null), (failure.Code, failure.Advice));
    }

    [Fact]
    public void Find_NoSuchHeader_IsASuccessWhateverTheStatus()
    {
        Assert.Null(RetryHeaders.FindFailure(Answer(("Retry-After", "30"), ("Faas-Retry", "perhaps"))));
        Assert.Null(RetryHeaders.FindFailure(Answer(("Faas-Retry-After", "30")) with { HttpStatus = null }));
        Assert.Null(RetryHeaders.FindFailure(null));
    }

    private static InvocationResult Answer(params (string Name, string Value)[] headers) =>
        new() { HttpStatus = 503, Headers = [.. headers.Select(header => KeyValuePair.Create(header.Name, header.Value))] };
}

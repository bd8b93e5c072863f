using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Contracts.Tests.Invocations;

public sealed class RetryDecisionTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Far = Now.AddHours(6);
    private static readonly RetryPolicy Policy = new() { Attempts = 2, Backoff = [TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120)] };

    [Theory]
    [InlineData(1, 60)]
    [InlineData(2, 120)]
    public void After_FunctionErrorWithAttemptsLeft_IsQueuedAfterTheBackoff(int attempt, int seconds)
    {
        var decision = After(ErrorCode.FunctionError, attempt);

        Assert.Equal(InvocationState.Queued, decision.State);
        Assert.Equal(Now.AddSeconds(seconds), decision.NextDueAt);
    }

    [Fact]
    public void After_LastAttempt_EndsAsFailed()
    {
        var decision = After(ErrorCode.FunctionError, attempt: 3);

        Assert.Equal(InvocationState.Failed, decision.State);
        Assert.Null(decision.NextDueAt);
    }

    [Fact]
    public void After_PlatformError_IsQueuedWithoutUsingUpAttempts()
    {
        var decision = After(ErrorCode.NoCapacity, attempt: 1000);

        Assert.Equal(InvocationState.Queued, decision.State);
        Assert.InRange(decision.NextDueAt!.Value, Now.AddSeconds(1), Now.AddMinutes(1));
    }

    [Theory]
    [InlineData(0, 60)]
    [InlineData(0.5, 66)]
    [InlineData(1, 72)]
    [InlineData(7, 72)]
    [InlineData(-7, 60)]
    public void After_Jitter_AddsUpToAFifth(double jitter, int seconds)
    {
        var decision = RetryDecision.After(InvocationKind.Asynchronous, ErrorCode.Timeout, 1, Policy, Far, Now, jitter);

        Assert.Equal(Now.AddSeconds(seconds), decision.NextDueAt);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(59)]
    public void After_NextAttemptWouldStartPastTheDeadline_Ends(int secondsLeft)
    {
        var decision = RetryDecision.After(InvocationKind.Asynchronous, ErrorCode.FunctionError, 1, Policy, Now.AddSeconds(secondsLeft), Now, 0);

        Assert.Equal(InvocationState.Failed, decision.State);
    }

    [Fact]
    public void After_EveryCodeOfASynchronousCall_Ends()
    {
        Assert.All(ErrorCodes.All, info =>
        {
            var decision = RetryDecision.After(InvocationKind.Synchronous, info.Code, 1, Policy, Far, Now, 0);
            Assert.True(decision.State.IsTerminal());
            Assert.Null(decision.NextDueAt);
        });
    }

    [Fact]
    public void After_EveryCode_GoesOnExactlyIfItsTrackSaysSo()
    {
        Assert.All(ErrorCodes.All, info => Assert.Equal(info.Retry != RetryTrack.Never, After(info.Code, attempt: 1).State == InvocationState.Queued));
        Assert.All(ErrorCodes.All, info => Assert.NotEqual(InvocationState.Succeeded, After(info.Code, attempt: 99).State));
    }

    [Theory]
    [InlineData(ErrorCode.Cancelled, InvocationState.Cancelled)]
    [InlineData(ErrorCode.FunctionDeleted, InvocationState.Cancelled)]
    [InlineData(ErrorCode.Expired, InvocationState.Expired)]
    [InlineData(ErrorCode.WaitTimeout, InvocationState.Expired)]
    [InlineData(ErrorCode.WorkerLost, InvocationState.Lost)]
    [InlineData(ErrorCode.Poison, InvocationState.Lost)]
    [InlineData(ErrorCode.OutOfMemory, InvocationState.Failed)]
    [InlineData(ErrorCode.Internal, InvocationState.Failed)]
    public void After_End_IsTheStateOfTheCode(ErrorCode code, InvocationState state)
    {
        // Past the deadline nothing goes on, whatever the code.
        var decision = RetryDecision.After(InvocationKind.Asynchronous, code, 1, Policy, Now, Now, 0);

        Assert.Equal(state, decision.State);
    }

    private static RetryDecision After(ErrorCode code, int attempt) =>
        RetryDecision.After(InvocationKind.Asynchronous, code, attempt, Policy, Far, Now, jitter: 0);
}

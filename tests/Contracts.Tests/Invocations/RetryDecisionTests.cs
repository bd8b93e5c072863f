using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Contracts.Tests.Invocations;

public sealed class RetryDecisionTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RetryPolicy Policy = new() { Attempts = 2, Backoff = [TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120)] };

    [Theory]
    [InlineData(0, 60)]
    [InlineData(1, 120)]
    public void After_FunctionErrorWithAttemptsLeft_IsQueuedAfterTheBackoff(int failures, int seconds)
    {
        var message = Message(failures + 1, failures);

        var decision = After(ErrorCode.FunctionError, message);

        Assert.Equal(InvocationState.Queued, decision.State);
        Assert.Equal(message with { Attempt = failures + 2, Failures = failures + 1, DueAt = Now.AddSeconds(seconds) }, decision.Next);
    }

    [Fact]
    public void After_LastAttempt_EndsAsFailed()
    {
        var decision = After(ErrorCode.FunctionError, Message(attempt: 3, failures: 2));

        Assert.Equal(InvocationState.Failed, decision.State);
        Assert.Null(decision.Next);
    }

    [Theory]
    [InlineData(ErrorCode.NoCapacity)]
    [InlineData(ErrorCode.Throttled)]
    [InlineData(ErrorCode.SandboxFailed)]
    public void After_PlatformFaultOrThrottle_UsesUpNoAttemptOfThePolicy(ErrorCode code)
    {
        var next = After(code, Message(attempt: 2, failures: 1)).Next!;

        Assert.Equal((3, 1), (next.Attempt, next.Failures));
        Assert.Equal(InvocationState.Queued, After(ErrorCode.FunctionError, next).State);
        Assert.Equal(Now.AddSeconds(120), After(ErrorCode.FunctionError, next).Next!.DueAt);
        Assert.Equal(InvocationState.Queued, After(code, Message(attempt: 1000, failures: 2)).State);
    }

    [Fact]
    public void After_AnErrorOfWhatMustNotRunTwice_GoesOnOnlyIfNothingRan()
    {
        foreach (var info in ErrorCodes.All)
        {
            var decision = RetryDecision.After(Message(), Error(info.Code), RetryPolicy.Never, Now, jitter: 0);

            var mayGoOn = info.Code is ErrorCode.NoCapacity or ErrorCode.SandboxFailed or ErrorCode.PackageInvalid or ErrorCode.Throttled;
            Assert.Equal(mayGoOn, decision.Next is not null);
        }

        Assert.Equal(InvocationState.Lost, RetryDecision.After(Message(), Error(ErrorCode.WorkerLost), RetryPolicy.Never, Now, jitter: 0).State);
        Assert.Null(RetryDecision.After(Message(), Advised(RetryAdvice.After(1)), RetryPolicy.Never, Now, jitter: 0).Next);
    }

    [Fact]
    public void After_PlatformFaults_AreTriedEverMoreSlowlyUpToAMinute()
    {
        var waits = new List<int>();
        var message = Message(attempt: 3, failures: 2);
        for (var i = 0; i < 9; i++)
        {
            message = After(ErrorCode.NoCapacity, message).Next!;
            waits.Add((int)(message.DueAt - Now).TotalSeconds);
        }

        Assert.Equal([1, 2, 5, 10, 20, 30, 60, 60, 60], waits);
        Assert.Equal((12, 2), (message.Attempt, message.Failures));
    }

    [Theory]
    [InlineData(0, 60)]
    [InlineData(0.5, 66)]
    [InlineData(1, 72)]
    [InlineData(7, 72)]
    [InlineData(-7, 60)]
    public void After_Jitter_AddsUpToAFifth(double jitter, int seconds)
    {
        var decision = RetryDecision.After(Message(), Error(ErrorCode.Timeout), Policy, Now, jitter);

        Assert.Equal(Now.AddSeconds(seconds), decision.Next!.DueAt);
        Assert.Equal(TimeSpan.FromSeconds(seconds) / 60, RetryDecision.After(Message(), Error(ErrorCode.NoCapacity), Policy, Now, jitter).Next!.DueAt - Now);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(59)]
    public void After_NextAttemptWouldStartPastTheDeadline_Ends(int secondsLeft)
    {
        var message = Message() with { Deadline = Now.AddSeconds(secondsLeft) };

        Assert.Equal(InvocationState.Failed, After(ErrorCode.FunctionError, message).State);
        Assert.Equal(InvocationState.Queued, RetryDecision.After(message, Advised(RetryAdvice.After(58)), Policy, Now, 0).State);
        Assert.Equal(InvocationState.Failed, RetryDecision.After(message, Advised(RetryAdvice.After(60)), Policy, Now, 0).State);
    }

    [Fact]
    public void After_RetryAfter_WaitsExactlySoLongAndUsesUpAnAttempt()
    {
        var error = Advised(RetryAdvice.After(7));

        var decision = RetryDecision.After(Message(), error, Policy, Now, jitter: 1);

        Assert.Equal(Now.AddSeconds(7), decision.Next!.DueAt);
        Assert.Equal(1, decision.Next.Failures);
        Assert.Equal(InvocationState.Failed, RetryDecision.After(Message(3, 2), error, Policy, Now, 0).State);
    }

    [Fact]
    public void After_DoNotRetry_EndsAtTheFirstAttempt()
    {
        var decision = RetryDecision.After(Message(), Advised(RetryAdvice.Never), Policy, Now, 0);

        Assert.Equal(InvocationState.Failed, decision.State);
        Assert.Null(decision.Next);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 1)]
    [InlineData(0.4, 1)]
    [InlineData(2.5, 2.5)]
    [InlineData(1e300, 21_600)]
    [InlineData(double.PositiveInfinity, 21_600)]
    public void Advice_OutOfBounds_IsBroughtIntoThem(double seconds, double wait) =>
        Assert.Equal(TimeSpan.FromSeconds(wait), RetryAdvice.After(seconds)!.Wait);

    [Theory]
    [InlineData(" 30 ", 30)]
    [InlineData("1.5", 1.5)]
    [InlineData("0", 1)]
    public void Advice_ReadFromDigits_IsThatManySeconds(string text, double wait) => Assert.Equal(TimeSpan.FromSeconds(wait), RetryAdvice.Read(text)!.Wait);

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-5")]
    [InlineData("NaN")]
    [InlineData("1e3")]
    [InlineData("Mon, 23 Nov 2026 10:00:00 GMT")]
    public void Advice_ReadFromAnythingElse_IsNone(string text)
    {
        Assert.Null(RetryAdvice.Read(text));
        Assert.Null(RetryAdvice.After(double.NaN));
    }

    [Fact]
    public void After_EveryCodeOfASynchronousCall_Ends()
    {
        Assert.All(ErrorCodes.All, info =>
        {
            var decision = After(info.Code, Message() with { Kind = InvocationKind.Synchronous });
            Assert.True(decision.State.IsTerminal());
            Assert.Null(decision.Next);
        });
    }

    [Fact]
    public void After_EveryCode_GoesOnExactlyIfItsTrackSaysSo()
    {
        Assert.All(ErrorCodes.All, info => Assert.Equal(info.Retry != RetryTrack.Never, After(info.Code, Message()).State == InvocationState.Queued));
        Assert.All(ErrorCodes.All, info => Assert.Equal(info.Retry == RetryTrack.Platform, After(info.Code, Message(99, 98)).State == InvocationState.Queued));
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
        var decision = After(code, Message() with { Deadline = Now });

        Assert.Equal(state, decision.State);
    }

    private static RetryDecision After(ErrorCode code, InvocationMessage message) => RetryDecision.After(message, Error(code), Policy, Now, jitter: 0);

    private static InvocationError Error(ErrorCode code) => new() { Code = code, Message = "as the test said" };

    private static InvocationError Advised(RetryAdvice? advice) => Error(ErrorCode.FunctionError) with { Advice = advice };

    private static InvocationMessage Message(int attempt = 1, int failures = 0) => new()
    {
        InvocationId = Guid.CreateVersion7(Now),
        FunctionId = Guid.CreateVersion7(Now),
        Revision = 1,
        AccountId = "default",
        Attempt = attempt,
        Failures = failures,
        Kind = InvocationKind.Asynchronous,
        Trigger = TriggerKind.Api,
        AcceptedAt = Now,
        DueAt = Now,
        Deadline = Now.AddHours(6),
        Body = default,
    };
}

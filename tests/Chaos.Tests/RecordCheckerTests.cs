using System.Text;
using FaasCluster.Chaos.Checking;

namespace FaasCluster.Chaos.Tests;

/// <summary>What the checker must not overlook, and what it must not complain of.</summary>
public sealed class RecordCheckerTests
{
    [Fact]
    public void Check_OfSoundRuns_FindsNothing()
    {
        Assert.Empty(Planted.Sound().Check());
        Assert.Empty(Planted.SoundCall().Check());
    }

    [Fact]
    public void AcceptedInvocation_WithoutRow_IsLost()
    {
        var run = Planted.Sound();
        run.Rows.Clear();
        run.Bills.Clear();
        Assert.Equal([Invariants.Lost], run.Check());
    }

    [Theory]
    [InlineData("queued")]
    [InlineData("running")]
    public void AcceptedInvocation_ThatNeverEnded_IsLost(string state)
    {
        var run = Planted.Sound();
        run.Rows[0] = run.Rows[0] with { State = state };
        Assert.Equal([Invariants.Lost], run.Check());
    }

    [Fact]
    public void AnsweredCall_WithoutRow_IsLost()
    {
        var run = Planted.SoundCall();
        run.Rows.Clear();
        run.Bills.Clear();
        Assert.Equal([Invariants.Lost], run.Check());
    }

    [Fact]
    public void SecondRow_IsADuplicateRecord()
    {
        var run = Planted.Sound();
        run.Rows.Add(run.Rows[0]);
        Assert.Equal([Invariants.DuplicateRecord], run.Check());
    }

    [Fact]
    public void TwoEnds_AreADuplicateRecord()
    {
        var run = Planted.Sound();
        run.Bills[0] = run.Bills[0] with { State = "succeeded" };
        Assert.Equal([Invariants.DuplicateRecord], run.Check());
    }

    [Fact]
    public void SecondBillOfAnAttempt_IsADuplicateBill()
    {
        var run = Planted.Sound();
        run.Bills.Add(run.Bills[0]);
        Assert.Equal([Invariants.DuplicateBill], run.Check());
    }

    [Fact]
    public void GapInTheAttempts_IsAnAttemptWithoutBill()
    {
        var run = Planted.Sound();
        run.Bills.RemoveAt(0);
        Assert.Equal([Invariants.AttemptWithoutBill], run.Check());
    }

    [Fact]
    public void BillBeyondTheRecordedAttempt_IsABillWithoutAttempt()
    {
        var run = Planted.Sound();
        run.Rows[0] = run.Rows[0] with { RecordedAttempt = 1 };
        Assert.Equal([Invariants.BillWithoutAttempt], run.Check());
    }

    [Fact]
    public void BillWithoutRow_IsABillWithoutAttempt()
    {
        var run = Planted.Sound();
        run.Bills.Add(Planted.Bill(Guid.NewGuid(), 1, "succeeded", null));
        Assert.Contains(Invariants.BillWithoutAttempt, run.Check());
    }

    [Fact]
    public void InvocationThatMustSucceed_ThatFailed_IsAWrongEnd()
    {
        var run = Planted.Sound();
        run.Rows[0] = run.Rows[0] with { State = "lost" };
        run.Bills[1] = run.Bills[1] with { State = "lost", Error = "worker_lost" };
        Assert.Equal([Invariants.WrongEnd], run.Check());
    }

    [Fact]
    public void RowAndLastBill_OfDifferentStates_AreAWrongEnd()
    {
        var run = Planted.SoundCall();
        run.Bills[0] = run.Bills[0] with { State = "failed" };
        Assert.Equal([Invariants.WrongEnd], run.Check());
    }

    [Fact]
    public void ResultOfAnotherCaller_IsAForeignResult()
    {
        var run = Planted.Sound();
        run.Rows[0] = run.Rows[0] with { Result = Encoding.UTF8.GetBytes("""{"n":"8-y","sha256":"abc"}""") };
        Assert.Equal([Invariants.ForeignResult], run.Check());
    }

    [Fact]
    public void RecordedSuccess_ThatWasNeverExecuted_IsFound()
    {
        var run = Planted.Sound();
        run.Executed.RemoveAt(1);
        Assert.Equal([Invariants.Execution], run.Check());
    }

    [Fact]
    public void MoreErrorsThanTold_AreAWrongEnd()
    {
        var run = Planted.Sound();
        run.Calls[0] = run.Calls[0] with { Failures = 0 };
        Assert.Equal([Invariants.WrongEnd], run.Check());
    }

    [Fact]
    public void RepeatedExecutions_AreCounted_AndNotAsAViolation()
    {
        var run = Planted.SoundCall();
        run.Executed.Add((run.Id, 1));
        var executions = Executions.Of(run.Executed);

        Assert.Empty(run.Check());
        Assert.Equal(1, executions.RepeatedOf([run.Id]));
        Assert.Equal(2, executions.PerInvocation);
    }
}

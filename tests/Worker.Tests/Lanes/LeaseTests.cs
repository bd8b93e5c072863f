using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Testing;
using FaasCluster.Worker.Concurrency;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>What a worker does that cannot renew its leases of slots: the limit holds at every moment.</summary>
public sealed class LeaseTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = LimitedLane.Patience;

    private readonly LimitedLane lane = new();

    private LaneFixture Worker => lane.Worker;

    private SteeredSandboxes Sandboxes => lane.Sandboxes;

    public ValueTask InitializeAsync() => lane.InitializeAsync();

    public ValueTask DisposeAsync() => lane.DisposeAsync();

    [Fact]
    public async Task Fault03_WorkerThatCannotRenew_KillsItsRunsBeforeAnotherMayHaveTheSlot()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (_, call) = await lane.RunFirstAsync(revision);

        await Worker.Leases.CutAsync();
        await lane.PassAsync(revision, 0.89);

        // Before the slot is to be had, and not some time later: two would run else.
        await Eventually.TrueAsync(
            async () =>
            {
                if (Sandboxes.Alive == 0)
                {
                    return true;
                }

                Assert.False(await lane.TakeAsOtherAsync(revision) && Sandboxes.Alive > 0, "Two run.");
                return false;
            },
            "the run is killed");
        var outcome = await call.WaitAsync(Patience);
        Assert.Equal(ErrorCode.WorkerLost, outcome.Reply!.Error!.Code);
        Assert.Contains("lease", outcome.Reply.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault03_WorkerThatCannotRenew_StartsNothingUntilItHasASlotAgain()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await lane.RunFirstAsync(revision);
        lane.End(first);
        await firstCall;
        await LapseAsync(revision);
        var message = lane.Message(revision, InvocationKind.Asynchronous);
        await lane.EnqueueAsync(message);

        Worker.Leases.Join();
        var refused = await Worker.CallAsync(lane.Message(revision)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        Assert.False(Sandboxes.Runs.ContainsKey(message.InvocationId));
        await lane.ReturnAsOtherAsync(revision);
        await lane.WakeUntilRunsAsync(message);
    }

    [Fact]
    public async Task Fault03_WorkerThatCannotRenew_GivesUpTheSandboxThatItStarts()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var message = lane.Message(revision, InvocationKind.Asynchronous);
        await lane.EnqueueAsync(message);
        await Worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 1);

        await LapseAsync(revision);
        await lane.ReturnAsOtherAsync(revision);
        Worker.Leases.Join();

        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 2);
        Sandboxes.Starts.Last().SetResult(null);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        Assert.Equal(1, Sandboxes.Alive);
    }

    [Fact]
    public async Task Fault08_StoreAwayForLessThanTheLease_DisturbsNoRun()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (first, call) = await lane.RunFirstAsync(revision);

        await Worker.Leases.CutAsync();
        await lane.PassAsync(revision, 0.6);
        Assert.False(await lane.TakeAsOtherAsync(revision));
        Worker.Leases.Join();
        for (var passed = 0.6; passed < 2; passed += 0.6)
        {
            var renewed = Worker.Leases.Renewals;
            await Wait.UntilAsync(() => Worker.Leases.Renewals >= renewed + 2);
            await lane.PassAsync(revision, 0.6);
            Assert.False(await lane.TakeAsOtherAsync(revision));
        }

        lane.End(first);
        Assert.Null((await call.WaitAsync(Patience)).Reply!.Error);
    }

    /// <summary>The worker cannot renew, until it has given up what it had and another has its slot.</summary>
    private async Task LapseAsync(FunctionRevision revision)
    {
        await Worker.Leases.CutAsync();
        await lane.PassAsync(revision, 1);
        await Wait.UntilAsync(() => Worker.Get<SlotLeases>().CountOf(revision.FunctionId) == 0);
        await Eventually.TrueAsync(() => lane.TakeAsOtherAsync(revision), "the lease has lapsed");
    }
}

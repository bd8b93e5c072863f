using System.Diagnostics;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>A function's concurrency limit at one worker; the others are played by the store of leases.</summary>
public sealed class ConcurrencyTests : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly LaneFixture worker = new(("Worker:SlotLease", Lease.ToString()));

    private SteeredSandboxes Sandboxes => worker.Sandboxes;

    private ISlotLeaseStore Others => worker.Leases.Uncut;

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    [Fact]
    public async Task Call_AtTheLimit_IsThrottledAndStartsNothing()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await RunFirstAsync(revision);

        var clock = Stopwatch.StartNew();
        var refused = await worker.CallAsync(worker.Message(revision)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        Assert.InRange(clock.Elapsed, new WorkerOptions().ThrottleAfter * 0.9, Patience);
        Assert.Single(Sandboxes.Starts);
        End(first);
        Assert.Null((await firstCall).Reply!.Error);
    }

    [Fact]
    public async Task Call_AtTheLimitForWhichASlotIsFreeInTime_Runs()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await RunFirstAsync(revision);
        var second = worker.Message(revision);
        var secondCall = worker.CallAsync(second);

        End(first);

        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));
        End(second);
        Assert.Null((await secondCall).Reply!.Error);
        await firstCall;
    }

    [Fact]
    public async Task Events_BeyondTheLimit_WaitUntilASlotIsFree()
    {
        const int limit = 2;
        var revision = await worker.DeployAsync(limit);
        var messages = Enumerable.Range(0, 6).Select(_ => worker.Message(revision, InvocationKind.Asynchronous)).ToList();
        foreach (var message in messages)
        {
            await EnqueueAsync(message);
        }

        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await StartAllAsync(() => Sandboxes.Runs.Count == limit);
        for (var ended = 0; ended < messages.Count; ended++)
        {
            await Wait.UntilAsync(() => Sandboxes.Runs.Count >= Math.Min(ended + limit, messages.Count));
            Assert.InRange(Open().Count, 1, limit);
            Open()[0].SetResult();
        }

        await Wait.UntilAsync(() => Open().Count == 0);
        Assert.True(Sandboxes.Starts.Count == limit, $"{Sandboxes.Starts.Count} sandboxes were started.");
        foreach (var message in messages)
        {
            await Eventually.TrueAsync(async () => await StateAsync(message) == InvocationState.Succeeded, "it is recorded");
        }

        List<TaskCompletionSource> Open() => [.. Sandboxes.Runs.Values.Where(run => !run.Task.IsCompleted)];
    }

    [Fact]
    public async Task Event_WhileAnotherWorkerHasTheSlot_WaitsAndCallsAreThrottled()
    {
        await BeginAsync();
        var starts = Sandboxes.Starts.Count;
        var revision = await worker.DeployAsync(concurrency: 1);
        Assert.True(await Others.TryHoldAsync(revision.FunctionId, "other", 1, 1, TimeSpan.FromMinutes(5), CancellationToken.None));
        var message = worker.Message(revision, InvocationKind.Asynchronous);
        await EnqueueAsync(message);
        var wakes = WakeUntilRunsAsync(message);

        var refused = await worker.CallAsync(worker.Message(revision)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        Assert.Equal(starts, Sandboxes.Starts.Count);
        await Others.HoldAsync(revision.FunctionId, "other", 0, TimeSpan.FromMinutes(5), CancellationToken.None);
        await wakes;
        End(message);
        await Eventually.TrueAsync(async () => await StateAsync(message) == InvocationState.Succeeded, "it is recorded");
    }

    [Fact]
    public async Task IdleSandbox_WhoseSlotAnotherWorkerWants_IsEnded()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await RunFirstAsync(revision);
        End(first);
        await firstCall;
        Assert.False(await TakeAsOtherAsync(revision));

        await worker.Get<IControlBus>().PublishAsync(new SlotWanted { FunctionId = revision.FunctionId, WorkerId = "other" }, CancellationToken.None);

        await Eventually.TrueAsync(() => TakeAsOtherAsync(revision), "the slot is handed over");
        Assert.Equal(0, Sandboxes.Alive);
    }

    [Fact]
    public async Task IdleSandbox_WhenTheMessageOfWhoWantsItsSlotIsLost_IsEndedWithARenewal()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await RunFirstAsync(revision);
        End(first);
        await firstCall;

        await Eventually.TrueAsync(() => TakeAsOtherAsync(revision), "the slot is handed over");

        Assert.Equal(0, Sandboxes.Alive);
    }

    [Fact]
    public async Task Fault03_WorkerThatCannotRenew_KillsItsRunsBeforeAnotherMayHaveTheSlot()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (_, call) = await RunFirstAsync(revision);

        worker.Leases.IsCut = true;
        await Eventually.TrueAsync(() => TakeAsOtherAsync(revision), "the lease has lapsed");

        // At this moment, and not some time later: two would run else.
        Assert.Equal(0, Sandboxes.Alive);
        var outcome = await call.WaitAsync(Patience);
        Assert.Equal(ErrorCode.WorkerLost, outcome.Reply!.Error!.Code);
        Assert.Contains("lease", outcome.Reply.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault03_WorkerThatCannotRenew_StartsNothingUntilItHasASlotAgain()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await RunFirstAsync(revision);
        End(first);
        await firstCall;
        worker.Leases.IsCut = true;
        await Eventually.TrueAsync(() => TakeAsOtherAsync(revision), "the lease has lapsed");
        var message = worker.Message(revision, InvocationKind.Asynchronous);
        await EnqueueAsync(message);

        worker.Leases.IsCut = false;
        var refused = await worker.CallAsync(worker.Message(revision)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        Assert.False(Sandboxes.Runs.ContainsKey(message.InvocationId));
        await Others.HoldAsync(revision.FunctionId, "other", 0, TimeSpan.FromMinutes(5), CancellationToken.None);
        await WakeUntilRunsAsync(message);
    }

    [Fact]
    public async Task Fault03_WorkerThatCannotRenew_GivesUpTheSandboxThatItStarts()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var message = worker.Message(revision, InvocationKind.Asynchronous);
        await EnqueueAsync(message);
        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 1);

        worker.Leases.IsCut = true;
        await Eventually.TrueAsync(() => TakeAsOtherAsync(revision), "the lease has lapsed");
        await Others.HoldAsync(revision.FunctionId, "other", 0, TimeSpan.FromMinutes(5), CancellationToken.None);
        worker.Leases.IsCut = false;

        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 2);
        Sandboxes.Starts.Last().SetResult(null);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        Assert.Equal(1, Sandboxes.Alive);
    }

    [Fact]
    public async Task Fault08_StoreAwayForLessThanTheLease_DisturbsNoRun()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, call) = await RunFirstAsync(revision);

        worker.Leases.IsCut = true;
        Assert.True(await TakeAsOtherAsync(revision) is false);
        worker.Leases.IsCut = false;
        var clock = Stopwatch.StartNew();
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.False(await TakeAsOtherAsync(revision));
                return clock.Elapsed > Lease * 2;
            },
            "twice the lease passes");

        End(first);
        Assert.Null((await call.WaitAsync(Patience)).Reply!.Error);
    }

    [Fact]
    public async Task Revision_WithALowerLimit_HoldsForTheSandboxesOfAll()
    {
        const string name = "lowered";
        var wide = await worker.DeployAsync(concurrency: 2, name);
        var (first, firstCall) = await RunFirstAsync(wide);
        var second = worker.Message(wide);
        var secondCall = worker.CallAsync(second);
        await StartAllAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));
        var narrow = await worker.DeployAsync(concurrency: 1, name);
        await worker.Get<IControlBus>().PublishAsync(
            new FunctionChanged { FunctionId = narrow.FunctionId, Name = name, AccountId = "default", Revision = narrow.Revision }, CancellationToken.None);
        End(first);
        await firstCall;
        await Wait.UntilAsync(() => Sandboxes.Alive == 1);

        var refused = await worker.CallAsync(worker.Message(narrow)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        End(second);
        await secondCall;
        var third = worker.Message(narrow);
        var thirdCall = worker.CallAsync(third);
        await StartAllAsync(() => Sandboxes.Runs.ContainsKey(third.InvocationId));
        End(third);
        Assert.Null((await thirdCall).Reply!.Error);
    }

    [Fact]
    public async Task Worker_ThatEnds_GivesItsSlotsBack()
    {
        var revision = await worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await RunFirstAsync(revision);
        End(first);
        await firstCall;
        Assert.Single(await Others.RenewAsync(worker.Id, TimeSpan.FromMinutes(5), CancellationToken.None));

        await worker.StopAsync();

        Assert.Empty(await Others.RenewAsync(worker.Id, TimeSpan.FromMinutes(5), CancellationToken.None));
    }

    /// <summary>A call that runs in the first sandbox until it is ended.</summary>
    private async Task<(InvocationMessage Message, Task<CallOutcome> Call)> RunFirstAsync(FunctionRevision revision)
    {
        var message = worker.Message(revision);
        var call = worker.CallAsync(message);
        await StartAllAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        return (message, call);
    }

    // On SQLite a worker that begins takes everything for its own of before.
    private async Task BeginAsync()
    {
        var (message, call) = await RunFirstAsync(await worker.DeployAsync(concurrency: 1));
        End(message);
        await call;
    }

    private Task StartAllAsync(Func<bool> until) => Wait.UntilAsync(() =>
    {
        foreach (var start in Sandboxes.Starts)
        {
            start.TrySetResult(null);
        }

        return until();
    });

    private async Task WakeUntilRunsAsync(InvocationMessage message)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                await worker.Get<IInvocationSender>().WakeAsync(message.FunctionId, CancellationToken.None);
                foreach (var start in Sandboxes.Starts)
                {
                    start.TrySetResult(null);
                }

                return Sandboxes.Runs.ContainsKey(message.InvocationId);
            },
            "the event runs");
    }

    private Task<bool> TakeAsOtherAsync(FunctionRevision revision) =>
        Others.TryHoldAsync(revision.FunctionId, "other", 1, 1, TimeSpan.FromMinutes(5), CancellationToken.None);

    private async Task EnqueueAsync(InvocationMessage message) =>
        Assert.Null(await worker.Get<IInvocationSender>().EnqueueAsync(message, CancellationToken.None));

    private async Task<InvocationState?> StateAsync(InvocationMessage message) =>
        (await worker.Get<IInvocationStore>().FindAsync(message.AccountId, message.InvocationId, CancellationToken.None))?.Summary.State;

    private void End(InvocationMessage message) => Sandboxes.Runs[message.InvocationId].SetResult();
}

using System.Diagnostics;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Testing;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>A function's concurrency limit at one worker; the others are played by the store of leases.</summary>
public sealed class ConcurrencyTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = LimitedLane.Patience;

    private readonly LimitedLane lane = new();

    private LaneFixture Worker => lane.Worker;

    private SteeredSandboxes Sandboxes => lane.Sandboxes;

    public ValueTask InitializeAsync() => lane.InitializeAsync();

    public ValueTask DisposeAsync() => lane.DisposeAsync();

    [Fact]
    public async Task Call_AtTheLimit_IsThrottledAndStartsNothing()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await lane.RunFirstAsync(revision);

        var clock = Stopwatch.StartNew();
        var refused = await Worker.CallAsync(lane.Message(revision)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        Assert.InRange(clock.Elapsed, new WorkerOptions().ThrottleAfter * 0.9, Patience);
        Assert.Single(Sandboxes.Starts);
        lane.End(first);
        Assert.Null((await firstCall).Reply!.Error);
    }

    [Fact]
    public async Task Call_AtTheLimitForWhichASlotIsFreeInTime_Runs()
    {
        // With all the time that there can be: by default it would be refused after a fifth of a second.
        await using var patient = new LimitedLane(("Worker:ThrottleAfter", "00:00:10"));
        await patient.InitializeAsync();
        var revision = await patient.Worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await patient.RunFirstAsync(revision);
        var second = patient.Message(revision);
        var secondCall = patient.Worker.CallAsync(second);

        patient.End(first);

        await Wait.UntilAsync(() => patient.Sandboxes.Runs.ContainsKey(second.InvocationId));
        patient.End(second);
        Assert.Null((await secondCall).Reply!.Error);
        await firstCall;
    }

    [Fact]
    public async Task Events_BeyondTheLimit_WaitUntilASlotIsFree()
    {
        const int limit = 2;
        var revision = await Worker.DeployAsync(limit);
        var messages = Enumerable.Range(0, 6).Select(_ => lane.Message(revision, InvocationKind.Asynchronous)).ToList();
        foreach (var message in messages)
        {
            await lane.EnqueueAsync(message);
        }

        await Worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await lane.StartAllAsync(() => Sandboxes.Runs.Count == limit);
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
            await Eventually.TrueAsync(async () => await lane.StateAsync(message) == InvocationState.Succeeded, "it is recorded");
        }

        List<TaskCompletionSource> Open() => [.. Sandboxes.Runs.Values.Where(run => !run.Task.IsCompleted)];
    }

    [Fact]
    public async Task Event_WhileAnotherWorkerHasTheSlot_WaitsAndCallsAreThrottled()
    {
        await BeginAsync();
        var starts = Sandboxes.Starts.Count;
        var revision = await Worker.DeployAsync(concurrency: 1);
        Assert.True(await lane.TakeAsOtherAsync(revision));
        var message = lane.Message(revision, InvocationKind.Asynchronous);
        await lane.EnqueueAsync(message);
        var wakes = lane.WakeUntilRunsAsync(message);

        var refused = await Worker.CallAsync(lane.Message(revision)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        Assert.Equal(starts, Sandboxes.Starts.Count);
        await lane.ReturnAsOtherAsync(revision);
        await wakes;
        lane.End(message);
        await Eventually.TrueAsync(async () => await lane.StateAsync(message) == InvocationState.Succeeded, "it is recorded");
    }

    [Fact]
    public async Task IdleSandbox_WhoseSlotAnotherWorkerWants_IsEnded()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await lane.RunFirstAsync(revision);
        lane.End(first);
        await firstCall;
        Assert.False(await lane.TakeAsOtherAsync(revision));

        await Worker.Get<IControlBus>().PublishAsync(new SlotWanted { FunctionId = revision.FunctionId, WorkerId = "other" }, CancellationToken.None);

        await Eventually.TrueAsync(() => lane.TakeAsOtherAsync(revision), "the slot is handed over");
        Assert.Equal(0, Sandboxes.Alive);
    }

    [Fact]
    public async Task IdleSandbox_WhenTheMessageOfWhoWantsItsSlotIsLost_IsEndedWithARenewal()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await lane.RunFirstAsync(revision);
        lane.End(first);
        await firstCall;

        await Eventually.TrueAsync(() => lane.TakeAsOtherAsync(revision), "the slot is handed over");

        Assert.Equal(0, Sandboxes.Alive);
    }

    [Fact]
    public async Task Revision_WithALowerLimit_HoldsForTheSandboxesOfAll()
    {
        const string name = "lowered";
        var wide = await Worker.DeployAsync(concurrency: 2, name);
        var (first, firstCall) = await lane.RunFirstAsync(wide);
        var second = lane.Message(wide);
        var secondCall = Worker.CallAsync(second);
        await lane.StartAllAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));
        var narrow = await Worker.DeployAsync(concurrency: 1, name);
        await Worker.Get<IControlBus>().PublishAsync(
            new FunctionChanged { FunctionId = narrow.FunctionId, Name = name, AccountId = "default", Revision = narrow.Revision }, CancellationToken.None);
        lane.End(first);
        await firstCall;
        await Wait.UntilAsync(() => Sandboxes.Alive == 1);

        var refused = await Worker.CallAsync(lane.Message(narrow)).WaitAsync(Patience);

        Assert.Equal(ErrorCode.Throttled, refused.Reply!.Error!.Code);
        lane.End(second);
        await secondCall;

        // The slot is handed over in its own time; a call that comes before is refused, as above.
        InvocationMessage third;
        Task<CallOutcome> thirdCall;
        do
        {
            third = lane.Message(narrow);
            thirdCall = Worker.CallAsync(third);
            await lane.StartAllAsync(() => thirdCall.IsCompleted || Sandboxes.Runs.ContainsKey(third.InvocationId));
        }
        while (thirdCall.IsCompleted && (await thirdCall).Reply?.Error?.Code == ErrorCode.Throttled);

        lane.End(third);
        Assert.Null((await thirdCall).Reply!.Error);
    }

    [Fact]
    public async Task Worker_ThatEnds_GivesItsSlotsBack()
    {
        var revision = await Worker.DeployAsync(concurrency: 1);
        var (first, firstCall) = await lane.RunFirstAsync(revision);
        lane.End(first);
        await firstCall;
        Assert.Single(await lane.Others.RenewAsync(Worker.Id, TimeSpan.FromMinutes(5), CancellationToken.None));

        await Worker.StopAsync();

        Assert.Empty(await lane.Others.RenewAsync(Worker.Id, TimeSpan.FromMinutes(5), CancellationToken.None));
    }

    // On SQLite a worker that begins takes everything for its own of before.
    private async Task BeginAsync()
    {
        var (message, call) = await lane.RunFirstAsync(await Worker.DeployAsync(concurrency: 1));
        lane.End(message);
        await call;
    }
}

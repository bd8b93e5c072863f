using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Logs;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Lanes;

namespace FaasCluster.Worker.Tests.Lanes;

public sealed class LaneTests : IAsyncLifetime
{
    private readonly LaneFixture worker = new();

    private SteeredSandboxes Sandboxes => worker.Sandboxes;

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    [Fact]
    public async Task Call_WhileASandboxStartsForIt_TakesTheSlotThatIsFreeFirst()
    {
        var revision = await worker.DeployAsync();
        var (first, firstRun) = await RunFirstAsync(revision);
        var second = worker.Message(revision);
        var secondCall = worker.CallAsync(second);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 2);

        End(first);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));
        End(second);

        Assert.True((await firstRun).Reply!.ColdStart);
        Assert.False((await secondCall).Reply!.ColdStart);
    }

    [Fact]
    public async Task Sandbox_ThatNobodyWaitsForAnyMore_ServesWarmAndUnbilledForItsStart()
    {
        var revision = await worker.DeployAsync();
        var (first, firstCall) = await RunFirstAsync(revision);
        var second = worker.Message(revision);
        var secondCall = worker.CallAsync(second);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 2);
        End(first);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));
        await firstCall;

        // The first sandbox is busy with the second call when the second sandbox is there.
        Sandboxes.Starts.Last().SetResult(null);
        var third = worker.Message(revision);
        var thirdCall = worker.CallAsync(third);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(third.InvocationId));
        End(second);
        End(third);
        await secondCall;
        await thirdCall;

        Assert.Equal(2, Sandboxes.Starts.Count);
    }

    [Fact]
    public async Task Start_ThatFails_FailsOneOfThoseThatWait()
    {
        var revision = await worker.DeployAsync();
        var (first, firstCall) = await RunFirstAsync(revision);
        var second = worker.Message(revision);
        var secondCall = worker.CallAsync(second);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 2);

        Sandboxes.Starts.Last().SetResult(ErrorCode.InitError);

        Assert.Equal(ErrorCode.InitError, (await secondCall).Reply!.Error!.Code);
        End(first);
        Assert.Null((await firstCall).Reply!.Error);
    }

    [Fact]
    public async Task Start_ThatFailsWhenNobodyWaits_FailsNothing()
    {
        var revision = await worker.DeployAsync();
        var (first, firstCall) = await RunFirstAsync(revision);
        var second = worker.Message(revision);
        var secondCall = worker.CallAsync(second);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 2);
        End(first);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));

        Sandboxes.Starts.Last().SetResult(ErrorCode.InitError);
        End(second);

        Assert.Null((await firstCall).Reply!.Error);
        Assert.Null((await secondCall).Reply!.Error);
    }

    [Fact]
    public async Task Lines_PrintedWhileLoading_StandInTheLogOfTheFirstInvocation()
    {
        var revision = await worker.DeployAsync();
        var (first, firstCall) = await RunFirstAsync(revision);
        End(first);
        await firstCall;
        var second = worker.Message(revision);
        var secondCall = worker.CallAsync(second);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(second.InvocationId));
        End(second);
        await secondCall;

        Assert.Equal(["loading", "running"], await LinesAsync(first));
        Assert.Equal(["running"], await LinesAsync(second));
    }

    [Fact]
    public async Task Events_ThatRunForLong_GetFurtherSandboxes()
    {
        var revision = await worker.DeployAsync();
        var most = new LanePolicy(Environment.ProcessorCount, 100).SlotLimit;
        for (var i = 0; i < most * 2; i++)
        {
            Assert.Null(await worker.Get<IInvocationSender>().EnqueueAsync(worker.Message(revision, InvocationKind.Asynchronous), CancellationToken.None));
        }

        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);

        // As many as a function deserves of which nothing is known yet.
        await Wait.UntilAsync(() =>
        {
            foreach (var start in Sandboxes.Starts)
            {
                start.TrySetResult(null);
            }

            return Sandboxes.Runs.Count == most;
        });
    }

    [Fact]
    public async Task Run_OfACancelledInvocation_IsKilledAndAnsweredSo()
    {
        var (message, call) = await RunFirstAsync(await worker.DeployAsync());

        await worker.Get<IControlBus>().PublishAsync(new InvocationCancelled { InvocationId = message.InvocationId }, CancellationToken.None);

        Assert.Equal(ErrorCode.Cancelled, (await call.WaitAsync(TimeSpan.FromMinutes(1))).Reply!.Error!.Code);
    }

    [Fact]
    public async Task Invocation_CancelledWhileItWaits_IsSkipped()
    {
        var revision = await worker.DeployAsync();
        var message = worker.Message(revision);
        var call = worker.CallAsync(message);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 1);
        await worker.Get<IControlBus>().PublishAsync(new InvocationCancelled { InvocationId = message.InvocationId }, CancellationToken.None);
        await Wait.UntilAsync(() => worker.Get<CancelledInvocations>().Contains(message.InvocationId));

        Sandboxes.Starts.First().SetResult(null);

        Assert.Equal(ErrorCode.Cancelled, (await call.WaitAsync(TimeSpan.FromMinutes(1))).Reply!.Error!.Code);
        Assert.Empty(Sandboxes.Runs);
    }

    /// <summary>A call that runs in the first sandbox until it is ended.</summary>
    private async Task<(InvocationMessage Message, Task<CallOutcome> Call)> RunFirstAsync(FunctionRevision revision)
    {
        var message = worker.Message(revision);
        var call = worker.CallAsync(message);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 1);
        Sandboxes.Starts.First().SetResult(null);
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        return (message, call);
    }

    private void End(InvocationMessage message) => Sandboxes.Runs[message.InvocationId].SetResult();

    private async Task<List<string>> LinesAsync(InvocationMessage message)
    {
        var writer = worker.Get<ILogWriter>();
        await writer.FlushAsync(CancellationToken.None);
        var lines = await worker.Get<ILogStore>().ReadAsync("default", message.InvocationId, null, 10, CancellationToken.None);
        return [.. lines.Select(line => line.Text)];
    }
}

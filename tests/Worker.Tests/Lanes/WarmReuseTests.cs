using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Lanes;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>A warm sandbox serves the revision and the account that it was started for, whatever a message says.</summary>
public sealed class WarmReuseTests : IAsyncLifetime
{
    private readonly LaneFixture worker = new();

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    [Fact]
    public async Task Message_WithAnotherAccount_GetsNoWarmSandbox()
    {
        var revision = await worker.DeployAsync();
        await RunAsync(worker.Message(revision), starts: 1);
        var forged = worker.Message(revision) with { AccountId = "stranger" };

        var outcome = await worker.CallAsync(forged);

        Assert.Equal(ErrorCode.Internal, outcome.Reply!.Error!.Code);
        Assert.Contains("another account", outcome.Reply.Error.Message);
        Assert.False(worker.Sandboxes.Runs.ContainsKey(forged.InvocationId));
        await WhenIdleAsync();
        await RunAsync(worker.Message(revision), starts: 1);
    }

    [Fact]
    public async Task Message_OfAnotherRevisionOrFunction_GetsASandboxOfItsOwn()
    {
        var first = await worker.DeployAsync(name: "one");
        await RunAsync(worker.Message(first), starts: 1);
        var second = await worker.DeployAsync(name: "one");
        Assert.Equal((first.FunctionId, 2), (second.FunctionId, second.Revision));
        await RunAsync(worker.Message(second), starts: 2);
        var other = await worker.DeployAsync(name: "other");
        Assert.Equal(first.PackageSha256, other.PackageSha256);
        await RunAsync(worker.Message(other), starts: 3);
    }

    private async Task RunAsync(InvocationMessage message, int starts)
    {
        var call = worker.CallAsync(message);
        await Wait.UntilAsync(() => worker.Sandboxes.Starts.Count == starts);
        worker.Sandboxes.Starts.Last().TrySetResult(null);
        await Wait.UntilAsync(() => worker.Sandboxes.Runs.ContainsKey(message.InvocationId));
        worker.Sandboxes.Runs[message.InvocationId].SetResult();
        Assert.Null((await call).Reply!.Error);
        await WhenIdleAsync();
    }

    // An answer may be heard before its sandbox is free for the next.
    private Task WhenIdleAsync() => Wait.UntilAsync(() => worker.Get<LaneTable>().Lanes.All(lane => lane.Slots is { Busy: 0, Starting: 0 }));
}

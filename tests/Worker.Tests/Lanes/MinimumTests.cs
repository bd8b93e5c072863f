using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Worker.Lanes;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>Sandboxes that are kept loaded whether or not anybody calls.</summary>
public sealed class MinimumTests : IAsyncLifetime
{
    private readonly LaneFixture worker = new(("Worker:KeepAlive", "00:00:00"), ("Worker:MemoryBytes", $"{600L << 20}"), ("Worker:DrainTimeout", "00:00:01"));

    private SteeredSandboxes Sandboxes => worker.Sandboxes;

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    [Fact]
    public async Task Minimum_WithoutAnyCall_IsLoadedAndServesWarm()
    {
        var revision = await DeployAsync(2);
        await LoadAsync(2);

        var message = worker.Message(revision);
        var call = worker.CallAsync(message);
        await RunAsync(message);

        Assert.False((await call).Reply!.ColdStart);
        await Wait.UntilAsync(() => Lane(revision).Slots == (0, 2, 0));
        Assert.Equal(2, Sandboxes.Starts.Count);
    }

    [Fact]
    public async Task Minimum_OfANewRevision_TakesThePlaceOfTheOldOne()
    {
        var first = await DeployAsync(1);
        await LoadAsync(1);

        var second = await DeployAsync(1, first.Manifest.Name);
        await LoadAsync(2);

        await Wait.UntilAsync(() => Sandboxes.Alive == 1);
        var message = worker.Message(second);
        var call = worker.CallAsync(message);
        await RunAsync(message);
        Assert.False((await call).Reply!.ColdStart);
    }

    [Fact]
    public async Task Minimum_ThatIsTakenBack_CoolsDown()
    {
        var revision = await DeployAsync(1);
        await LoadAsync(1);

        await DeployAsync(0, revision.Manifest.Name);

        await Wait.UntilAsync(() => Sandboxes.Alive == 0 && worker.Get<LaneTable>().Lanes.Count == 0);
    }

    [Fact]
    public async Task Minimum_OfADeletedFunction_Ends()
    {
        var revision = await DeployAsync(1);
        await LoadAsync(1);

        await worker.Get<IFunctionStore>().DeleteAsync("default", revision.Manifest.Name, CancellationToken.None);
        await SayAsync(revision with { Revision = 0 });

        await Wait.UntilAsync(() => Sandboxes.Alive == 0);
    }

    [Fact]
    public async Task Minimum_WhoseStartFails_IsTriedAgain()
    {
        await DeployAsync(1);
        await Wait.UntilAsync(() => Sandboxes.Starts.Count == 1);
        Sandboxes.Starts.Last().SetResult(ErrorCode.InitError);

        await LoadAsync(2);

        Assert.Equal(1, Sandboxes.Alive);
    }

    [Fact]
    public async Task Minimum_WhenAnotherFunctionWantsMemory_IsNotGivenUp()
    {
        // Room for two of 256 MB.
        await DeployAsync(2);
        await LoadAsync(2);
        var other = await worker.DeployAsync();

        // Until its deadline it stays in the queue, and the worker that ends waits with it.
        var message = worker.Message(other) with { Deadline = DateTimeOffset.UtcNow.AddSeconds(10) };
        var call = worker.Get<IInvocationSender>().CallAsync(message, TimeSpan.FromSeconds(1), CancellationToken.None);

        Assert.Null((await call).Reply);
        Assert.Equal(2, Sandboxes.Alive);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(3, 5)]
    [InlineData(1000, 7)]
    public void Shares_OfAllWorkers_AreTheWholeAndEven(int instances, int workers)
    {
        var function = Guid.NewGuid();
        var ids = Enumerable.Range(0, workers).Select(i => $"w{i}").ToList();

        // Whatever the order in which they were heard of.
        var shares = ids.ConvertAll(id => MinimumInstances.ShareOf(id, function, instances, ids.OrderBy(_ => Random.Shared.Next())));

        Assert.Equal(instances, shares.Sum());
        Assert.InRange(shares.Max() - shares.Min(), 0, 1);
    }

    [Fact]
    public void Share_OfAWorkerThatCannotRunIt_IsNothing() => Assert.Equal(0, MinimumInstances.ShareOf("w9", Guid.NewGuid(), 5, ["w1", "w2"]));

    private async Task<FunctionRevision> DeployAsync(int minimum, string? name = null)
    {
        var revision = await worker.DeployAsync(name: name, minInstances: minimum);
        await SayAsync(revision);
        return revision;
    }

    private Task SayAsync(FunctionRevision revision) => worker.Get<IControlBus>().PublishAsync(
        new FunctionChanged { FunctionId = revision.FunctionId, AccountId = "default", Name = revision.Manifest.Name, Revision = revision.Revision }, CancellationToken.None);

    private async Task LoadAsync(int starts)
    {
        await Wait.UntilAsync(() => Sandboxes.Starts.Count >= starts);
        foreach (var start in Sandboxes.Starts)
        {
            start.TrySetResult(null);
        }

        await Wait.UntilAsync(() => worker.Get<LaneTable>().Lanes.Sum(lane => lane.Slots.Idle) > 0);
    }

    private async Task RunAsync(InvocationMessage message)
    {
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        Sandboxes.Runs[message.InvocationId].SetResult();
    }

    private Lane Lane(FunctionRevision revision) => worker.Get<LaneTable>().Lanes.Single(lane => lane.FunctionId == revision.FunctionId);
}

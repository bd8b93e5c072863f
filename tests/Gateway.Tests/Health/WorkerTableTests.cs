using FaasCluster.Contracts.Bus;
using FaasCluster.Gateway.Health;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Gateway.Tests.Health;

public sealed class WorkerTableTests
{
    private static readonly Guid Function = Guid.NewGuid();
    private readonly FakeTimeProvider time = new();
    private readonly WorkerTable table;

    public WorkerTableTests() => table = new WorkerTable(Options.Create(new GatewayOptions { WorkerTimeout = TimeSpan.FromSeconds(15) }), time);

    [Fact]
    public async Task Function_WarmOnTwoWorkers_IsWarmUntilBothAreCold()
    {
        await WarmAsync("a");
        await WarmAsync("b");
        await CoolAsync("a");
        Assert.True(table.IsWarm(Function));
        await CoolAsync("b");
        Assert.False(table.IsWarm(Function));
    }

    [Fact]
    public async Task Worker_ThatFallsSilent_IsGoneWithItsWarmFunctions()
    {
        await BeatAsync("a", warm: true);
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.True(table.IsWarm(Function));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(table.IsWarm(Function));
        Assert.Empty(table.List());
    }

    [Fact]
    public async Task Heartbeat_WithoutAFunction_MakesUpForALostMessage()
    {
        await WarmAsync("a");
        await BeatAsync("a", warm: false);
        Assert.False(table.IsWarm(Function));
        await BeatAsync("a", warm: true);
        Assert.True(table.IsWarm(Function));
    }

    [Fact]
    public async Task Worker_ThatDrains_IsWarmForNothing()
    {
        await BeatAsync("a", warm: true, draining: true);
        Assert.False(table.IsWarm(Function));
        Assert.True(Assert.Single(table.List()).Draining);
    }

    private Task WarmAsync(string worker) => table.HandleAsync(new FunctionWarmed { FunctionId = Function, WorkerId = worker }, CancellationToken.None);

    private Task CoolAsync(string worker) => table.HandleAsync(new FunctionCooled { FunctionId = Function, WorkerId = worker }, CancellationToken.None);

    private Task BeatAsync(string worker, bool warm, bool draining = false) => table.HandleAsync(
        new WorkerHeartbeat
        {
            WorkerId = worker,
            SentAt = time.GetUtcNow(),
            WarmFunctions = warm ? [Function] : [],
            MemoryBytes = 1,
            ReservedBytes = 0,
            Runtimes = [],
            Draining = draining,
        },
        CancellationToken.None);
}

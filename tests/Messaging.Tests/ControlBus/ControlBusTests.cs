using FaasCluster.Contracts.Bus;
using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.Tests.ControlBus;

/// <summary>What every transport of the control bus promises.</summary>
public abstract class ControlBusTests
{
    protected static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    protected abstract Task<MessagingNode> StartNodeAsync(Action<IServiceCollection>? configure = null);

    [Fact]
    public async Task Publish_HandlersOfOwnNode_AllHear()
    {
        var first = new Ear<FunctionChanged>();
        var second = new Ear<FunctionChanged>();
        await using var node = await StartNodeAsync(services => services
            .AddSingleton<IControlBusHandler<FunctionChanged>>(first)
            .AddSingleton<IControlBusHandler<FunctionChanged>>(second));
        var message = new FunctionChanged { FunctionId = Guid.NewGuid(), AccountId = "default", Name = "hello", Revision = 3 };

        await node.Bus.PublishAsync(message, CancellationToken.None);

        Assert.Equal(message, await first.HearAsync(Patience));
        Assert.Equal(message, await second.HearAsync(Patience));
    }

    [Fact]
    public async Task Publish_OneHandlerFails_OthersHear()
    {
        var ear = new Ear<FunctionCooled>();
        await using var node = await StartNodeAsync(services => services
            .AddSingleton<IControlBusHandler<FunctionCooled>>(new Deaf())
            .AddSingleton<IControlBusHandler<FunctionCooled>>(ear));
        var message = new FunctionCooled { FunctionId = Guid.NewGuid(), WorkerId = "w1" };

        await node.Bus.PublishAsync(message, CancellationToken.None);
        await node.Bus.PublishAsync(message, CancellationToken.None);

        Assert.Equal(message, await ear.HearAsync(Patience));
        Assert.Equal(message, await ear.HearAsync(Patience));
    }

    [Fact]
    public async Task Publish_Heartbeat_ArrivesWhole()
    {
        var ear = new Ear<WorkerHeartbeat>();
        await using var node = await StartNodeAsync(services => services.AddSingleton<IControlBusHandler<WorkerHeartbeat>>(ear));
        var sent = new WorkerHeartbeat
        {
            WorkerId = "w1",
            SentAt = DateTimeOffset.UtcNow,
            WarmFunctions = [Guid.NewGuid(), Guid.NewGuid()],
            MemoryBytes = 1L << 33,
            ReservedBytes = 3,
            Runtimes = ["python3", "nodejs"],
            Draining = true,
        };

        await node.Bus.PublishAsync(sent, CancellationToken.None);

        var heard = await ear.HearAsync(Patience);
        Assert.Equal(sent with { WarmFunctions = heard.WarmFunctions, Runtimes = heard.Runtimes }, heard);
        Assert.Equal(sent.WarmFunctions, heard.WarmFunctions);
        Assert.Equal(sent.Runtimes, heard.Runtimes);
    }

    private sealed class Deaf : IControlBusHandler<FunctionCooled>
    {
        public Task HandleAsync(FunctionCooled message, CancellationToken cancellationToken) => throw new InvalidOperationException("Deaf.");
    }
}

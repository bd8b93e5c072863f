using System.Threading.Channels;
using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>What a worker says of itself.</summary>
public sealed class HeartbeatTests
{
    [Fact]
    public async Task Heartbeat_OfAWorkerWithoutAWayOut_SaysWhy()
    {
        const string Problem = "The kernel has no tproxy; 'modprobe nft_tproxy'.";
        var fixture = new LaneFixture();
        fixture.Sandboxes.EgressProblem = Problem;
        await fixture.InitializeAsync();
        try
        {
            var heard = await fixture.Heartbeats.NextAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.Equal((fixture.Id, Problem), (heard.WorkerId, heard.EgressProblem));
        }
        finally
        {
            await fixture.DisposeAsync();
        }
    }
}

internal sealed class HeartbeatEar : IControlBusHandler<WorkerHeartbeat>
{
    private readonly Channel<WorkerHeartbeat> heard = Channel.CreateUnbounded<WorkerHeartbeat>();

    public Task HandleAsync(WorkerHeartbeat message, CancellationToken cancellationToken)
    {
        heard.Writer.TryWrite(message);
        return Task.CompletedTask;
    }

    public Task<WorkerHeartbeat> NextAsync() => heard.Reader.ReadAsync().AsTask();
}

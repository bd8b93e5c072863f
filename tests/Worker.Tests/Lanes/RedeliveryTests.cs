using System.Threading.Channels;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>What a worker does with a message that somebody had before it, and with clocks that disagree.</summary>
public sealed class RedeliveryTests : IAsyncLifetime
{
    private readonly LaneFixture worker = new();

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    [Fact]
    public async Task Fault02_WorkerGoneBetweenCommitAndAcknowledgement_RedeliveryIsAcknowledgedWithoutASecondRun()
    {
        var revision = await worker.DeployAsync();
        var recorded = worker.Message(revision, InvocationKind.Asynchronous);
        var held = Channel.CreateUnbounded<IDelivery>();
        var dying = await worker.Get<IInvocationReceiver>().SubscribeLaneAsync(revision.FunctionId, 1, delivery => held.Writer.WriteAsync(delivery), CancellationToken.None);
        await EnqueueAsync(recorded);
        Assert.False((await held.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1))).Redelivered);
        Assert.Equal(RecordOutcome.Recorded, await worker.Get<ICompletionWriter>().WriteAsync(Success(revision, recorded), CancellationToken.None));
        await dying.DisposeAsync();

        // The same lane takes the next one behind it: when that has ended, the first was dealt with.
        var next = worker.Message(revision, InvocationKind.Asynchronous);
        await EnqueueAsync(next);
        await WarmAsync(revision);
        await Wait.UntilAsync(() => worker.Sandboxes.Runs.ContainsKey(next.InvocationId));
        worker.Sandboxes.Runs[next.InvocationId].SetResult();
        await EndAsync(next);

        Assert.DoesNotContain(recorded.InvocationId, worker.Sandboxes.Runs.Keys);
        Assert.Single((await FindAsync(recorded))!.Attempts);
        Assert.Equal("another", (await FindAsync(recorded))!.Attempts[0].WorkerId);
    }

    [Fact]
    public async Task Fault12_SameMessagePublishedTwice_IsRecordedAndBilledOnce()
    {
        var revision = await worker.DeployAsync();
        var message = worker.Message(revision, InvocationKind.Asynchronous);
        await EnqueueAsync(message);
        await EnqueueAsync(message);
        var next = worker.Message(revision, InvocationKind.Asynchronous);
        await EnqueueAsync(next);
        await WarmAsync(revision);
        await Wait.UntilAsync(() => worker.Sandboxes.Runs.ContainsKey(message.InvocationId));
        worker.Sandboxes.Runs[message.InvocationId].TrySetResult();
        await Wait.UntilAsync(() => worker.Sandboxes.Runs.ContainsKey(next.InvocationId));
        worker.Sandboxes.Runs[next.InvocationId].SetResult();
        await EndAsync(next);
        await EndAsync(message);

        var usage = await worker.Get<Storage.Usage.IUsageStore>().ByFunctionAsync("default", DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), CancellationToken.None);
        Assert.Equal(2, Assert.Single(usage, line => line.FunctionName == revision.Manifest.Name).Attempts);
        Assert.Single((await FindAsync(message))!.Attempts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Fault17_ClockOfTheGatewayAnHourOff_NoDurationIsNegative(int hours)
    {
        var revision = await worker.DeployAsync();
        var then = DateTimeOffset.UtcNow.AddHours(hours);
        var message = worker.Message(revision, InvocationKind.Asynchronous) with { AcceptedAt = then, DueAt = then, Deadline = then.AddHours(6) };
        await EnqueueAsync(message);
        await WarmAsync(revision);
        await Wait.UntilAsync(() => worker.Sandboxes.Runs.ContainsKey(message.InvocationId));
        worker.Sandboxes.Runs[message.InvocationId].SetResult();
        await EndAsync(message);

        var attempt = Assert.Single((await FindAsync(message))!.Attempts);
        Assert.InRange(attempt.Timings.Queue, hours > 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(59), hours > 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(70));
        Assert.True(attempt.Timings.Run > TimeSpan.Zero);
        Assert.True(attempt.EndedAt >= attempt.StartedAt);
        Assert.InRange(attempt.BilledMilliseconds, 1, 10_000);
    }

    private async Task EnqueueAsync(InvocationMessage message) => Assert.Null(await worker.Get<IInvocationSender>().EnqueueAsync(message, CancellationToken.None));

    private async Task WarmAsync(FunctionRevision revision)
    {
        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await Wait.UntilAsync(() => !worker.Sandboxes.Starts.IsEmpty);
        worker.Sandboxes.Starts.First().TrySetResult(null);
    }

    private Task<InvocationDetails?> FindAsync(InvocationMessage message) =>
        worker.Get<IInvocationStore>().FindAsync("default", message.InvocationId, CancellationToken.None);

    private async Task EndAsync(InvocationMessage message)
    {
        InvocationDetails? found = null;
        await Eventually.TrueAsync(async () => (found = await FindAsync(message))?.Summary.EndedAt is not null, "it ended");
    }

    private static AttemptRecord Success(FunctionRevision revision, InvocationMessage message) => new()
    {
        Message = message,
        FunctionName = revision.Manifest.Name,
        MemoryBytes = revision.Manifest.MemoryBytes,
        State = InvocationState.Succeeded,
        Result = new InvocationResult(),
        StartedAt = message.AcceptedAt,
        EndedAt = message.AcceptedAt,
        Timings = new InvocationTimings(),
        WorkerId = "another",
        Bill = new Bill { BilledMilliseconds = 1, GigabyteSeconds = 0, Cost = 0, PriceVersion = "none" },
    };
}

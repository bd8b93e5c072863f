using System.Threading.Channels;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>Asynchronous invocations of functions with <c>retries: never</c>: at most once, whatever breaks.</summary>
public sealed class OnceTests : IAsyncLifetime
{
    private readonly LaneFixture worker = new();

    private SteeredSandboxes Sandboxes => worker.Sandboxes;

    private IInvocationStore Store => worker.Get<IInvocationStore>();

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    [Fact]
    public async Task Invocation_OfAtMostOnce_HasItsStartCommittedBeforeItRuns()
    {
        var message = await SubmitAsync(await worker.DeployAsync(retries: RetryPolicy.Never));

        await StartSandboxAsync();
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));

        Assert.Equal(1, await Store.CountStartsAsync(message.InvocationId, 1, CancellationToken.None));
        Assert.Equal(InvocationState.Running, (await FindAsync(message))!.Summary.State);
        Sandboxes.Runs[message.InvocationId].SetResult();
        Assert.Equal(InvocationState.Succeeded, (await EndOfAsync(message)).Summary.State);
    }

    [Fact]
    public async Task Fault01_RedeliveryOfAtMostOnceThatWasStarted_EndsAsLostWithoutARun()
    {
        var revision = await worker.DeployAsync(retries: RetryPolicy.Never);
        var message = Message(revision);
        await DieWithAsync(message, started: true);

        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await StartSandboxAsync();
        var ended = await EndOfAsync(message);

        Assert.Equal((InvocationState.Lost, ErrorCode.WorkerLost), (ended.Summary.State, ended.Summary.ErrorCode));
        Assert.Equal(0, Assert.Single(ended.Attempts).BilledMilliseconds);
        Assert.Empty(Sandboxes.Runs);
    }

    [Fact]
    public async Task RedeliveryOfAtMostOnceThatWasNotStarted_Runs()
    {
        // It only lay in the prefetch of the worker that died.
        var revision = await worker.DeployAsync(retries: RetryPolicy.Never);
        var message = Message(revision);
        await DieWithAsync(message, started: false);

        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await StartSandboxAsync();
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        Sandboxes.Runs[message.InvocationId].SetResult();

        Assert.Equal(InvocationState.Succeeded, (await EndOfAsync(message)).Summary.State);
    }

    [Fact]
    public async Task Fault12_CopyOfAtMostOnceThatRunsElsewhere_IsDroppedWithoutAnEnd()
    {
        // Published twice: this is the copy's first delivery, so the worker that has the other one may be well.
        var revision = await worker.DeployAsync(retries: RetryPolicy.Never);
        var message = Message(revision);
        Assert.Equal(StartOutcome.Started, await Store.StartOnceAsync(message, "f", "another", DateTimeOffset.UtcNow, CancellationToken.None));
        await SubmitAsync(revision, message);
        var behind = await SubmitAsync(revision);

        await StartSandboxAsync();
        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(behind.InvocationId));
        Sandboxes.Runs[behind.InvocationId].SetResult();

        Assert.Equal(InvocationState.Succeeded, (await EndOfAsync(behind)).Summary.State);
        Assert.False(Sandboxes.Runs.ContainsKey(message.InvocationId));
        Assert.Equal(InvocationState.Running, (await FindAsync(message))!.Summary.State);
    }

    [Fact]
    public async Task Redelivery_OfAtLeastOnceThatWasStarted_RunsAgain()
    {
        // The control: only 'retries: never' gives up.
        var revision = await worker.DeployAsync();
        var message = Message(revision);
        await DieWithAsync(message, started: true);

        await worker.Get<IInvocationSender>().WakeAsync(revision.FunctionId, CancellationToken.None);
        await StartSandboxAsync();

        await Wait.UntilAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        Sandboxes.Runs[message.InvocationId].SetResult();
        Assert.Equal(InvocationState.Succeeded, (await EndOfAsync(message)).Summary.State);
    }

    /// <summary>Another worker takes the message, perhaps starts it, and dies: the message comes again.</summary>
    private async Task DieWithAsync(InvocationMessage message, bool started)
    {
        var taken = Channel.CreateUnbounded<IDelivery>();
        await using var other = await worker.Get<IInvocationReceiver>().SubscribeLaneAsync(
            message.FunctionId, 1, delivery => taken.Writer.WriteAsync(delivery), CancellationToken.None);
        Assert.Null(await worker.Get<IInvocationSender>().EnqueueAsync(message, CancellationToken.None));
        await taken.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        if (started)
        {
            Assert.Equal(StartOutcome.Started, await Store.StartOnceAsync(message, "f", "dying", DateTimeOffset.UtcNow, CancellationToken.None));
        }
    }

    private InvocationMessage Message(FunctionRevision revision) => worker.Message(revision, InvocationKind.Asynchronous);

    private async Task<InvocationMessage> SubmitAsync(FunctionRevision revision, InvocationMessage? message = null)
    {
        message ??= Message(revision);
        var sender = worker.Get<IInvocationSender>();
        Assert.Null(await sender.EnqueueAsync(message, CancellationToken.None));
        await sender.WakeAsync(revision.FunctionId, CancellationToken.None);
        return message;
    }

    /// <summary>Lets every sandbox start that is asked for, from the next one on.</summary>
    private async Task StartSandboxAsync()
    {
        await Wait.UntilAsync(() => Sandboxes.Starts.Any(start => !start.Task.IsCompleted));
        foreach (var start in Sandboxes.Starts)
        {
            start.TrySetResult(null);
        }
    }

    private Task<InvocationDetails?> FindAsync(InvocationMessage message) => Store.FindAsync(message.AccountId, message.InvocationId, CancellationToken.None);

    private async Task<InvocationDetails> EndOfAsync(InvocationMessage message)
    {
        InvocationDetails? found = null;
        await Wait.UntilAsync(() => (found = FindAsync(message).GetAwaiter().GetResult())?.Summary.State.IsTerminal() == true);
        return found!;
    }
}

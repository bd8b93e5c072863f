using System.Collections.Concurrent;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Health;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>
/// A worker without sandboxes on the real joint: takes deliveries, answers what the test says, and commits records as a worker does:
/// synchronous deliveries are acknowledged at the start, asynchronous ones after the commit.
/// </summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly WorkerNode node;
    private readonly IInvocationReceiver receiver;
    private readonly ICompletionWriter completions;
    private readonly IFunctionStore functions;
    private readonly IControlBus bus;
    private readonly Func<InvocationMessage, Task<Outcome>> handler;
    private readonly ConcurrentDictionary<Guid, Task<ILaneSubscription>> lanes = new();
    private readonly ConcurrentBag<Task> running = [];
    private IColdSubscription? cold;
    private bool saysStarted;

    private TestWorker(WorkerNode node, GatewayFixture gateway, Func<InvocationMessage, Task<Outcome>> handler)
    {
        this.node = node;
        receiver = node.Receiver;
        bus = node.Bus;
        completions = gateway.Get<ICompletionWriter>();
        functions = gateway.Get<IFunctionStore>();
        this.handler = handler;
    }

    /// <summary>How many deliveries of a function it holds at most.</summary>
    public const int Prefetch = 50;

    public string Id => node.Id;

    /// <summary>What its next heartbeat says about the outside.</summary>
    public string? EgressProblem { get; set; }

    /// <summary>Every invocation that was handed over, with its body.</summary>
    public ConcurrentQueue<InvocationMessage> Taken { get; } = new();

    /// <summary>What the gateway said to answers in pieces that it did not take.</summary>
    public ConcurrentQueue<ErrorCode> Refusals { get; } = new();

    /// <summary>Wakes that arrived.</summary>
    public ConcurrentQueue<Guid> Woken { get; } = new();

    public static Task<TestWorker> StartAsync(GatewayFixture gateway, Func<InvocationMessage, InvocationResult> answer) =>
        StartAsync(gateway, message => Task.FromResult<Outcome>(new(answer(message), null)));

    public static async Task<TestWorker> StartAsync(GatewayFixture gateway, Func<InvocationMessage, Task<Outcome>> handler, bool says = false)
    {
        var worker = new TestWorker(await gateway.ConnectWorkerAsync(), gateway, handler) { saysStarted = says };
        worker.cold = await worker.receiver.SubscribeColdAsync(worker.OnDeliveryAsync, CancellationToken.None);
        await worker.cold.SetRoomAsync(100, CancellationToken.None);
        await worker.BeatAsync();
        await Until.TrueAsync(() => gateway.Get<WorkerTable>().List().Any(seen => seen.Id == worker.Id), "the gateway hears of the worker");
        return worker;
    }

    public Task BeatAsync() => bus.PublishAsync(
        new WorkerHeartbeat
        {
            WorkerId = Id,
            SentAt = DateTimeOffset.UtcNow,
            WarmFunctions = [.. lanes.Keys],
            MemoryBytes = 4L << 30,
            ReservedBytes = 0,
            Runtimes = ["python3", "nodejs", "executable"],
            HeldEvents = receiver.CountHeldEvents(),
            EgressProblem = EgressProblem,
        },
        CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await cold!.DisposeAsync();
        foreach (var lane in lanes.Values)
        {
            var subscription = await lane;
            await subscription.StopAsync(CancellationToken.None);
            await subscription.DisposeAsync();
        }

        await EndAsync();
        await node.DisposeAsync();
    }

    /// <summary>Dies: the connection is gone with everything that was not settled, and nothing is said any more.</summary>
    public ValueTask DieAsync() => node.DisposeAsync();

    /// <summary>Returns when every handler ended.</summary>
    public Task EndAsync() => Task.WhenAll(running);

    private ValueTask OnDeliveryAsync(IDelivery delivery)
    {
        running.Add(Task.Run(() => HandleAsync(delivery)));
        return ValueTask.CompletedTask;
    }

    private async Task HandleAsync(IDelivery delivery)
    {
        if (delivery.Message is not { } message)
        {
            Woken.Enqueue(delivery.FunctionId);
            await lanes.GetOrAdd(delivery.FunctionId, id => receiver.SubscribeLaneAsync(id, Prefetch, OnDeliveryAsync, CancellationToken.None));
            await delivery.AckAsync();
            await bus.PublishAsync(new FunctionWarmed { FunctionId = delivery.FunctionId, WorkerId = Id }, CancellationToken.None);
            return;
        }

        Taken.Enqueue(message);
        var synchronous = message.Kind == InvocationKind.Synchronous;
        if (synchronous)
        {
            await delivery.AckAsync();
            if (saysStarted)
            {
                await delivery.SendStartedAsync();
            }
        }

        var started = DateTimeOffset.UtcNow;
        var outcome = await handler(message);
        if (outcome.IsReturned)
        {
            await delivery.ReturnAsync();
            return;
        }

        var (result, error) = outcome;
        using var answer = outcome.Stream is null ? null : delivery.OpenAnswer(why => Refusals.Enqueue(why));
        if (answer is not null)
        {
            try
            {
                var head = new InvocationReply { InvocationId = message.InvocationId, Result = result, Timings = new InvocationTimings { Queue = TimeSpan.FromMilliseconds(1) }, WorkerId = Id };
                await answer.StartAsync(head, CancellationToken.None);
                await outcome.Stream!(answer);
                result = result! with { Body = default };
            }
            catch (OperationCanceledException)
            {
                (result, error) = (null, new InvocationError { Code = ErrorCode.CallerLeft, Message = "killed" });
            }
        }

        if (outcome.IsRefused)
        {
            await delivery.SendReplyAsync(new InvocationReply { InvocationId = message.InvocationId, Error = error, Timings = new InvocationTimings(), Recorded = false, WorkerId = Id });
            return;
        }

        var timings = new InvocationTimings { Queue = TimeSpan.FromMilliseconds(1), Run = TimeSpan.FromMilliseconds(2) };
        var revision = await functions.FindRevisionAsync(message.FunctionId, message.Revision, CancellationToken.None);
        var bill = Bill.For(timings, error?.Code, revision!.Manifest.MemoryBytes, new PriceTable());
        await completions.WriteAsync(
            new AttemptRecord
            {
                Message = message,
                KeepsEventOfSuccess = revision.Manifest.KeepEvents == EventKeeping.All,
                FunctionName = revision.Manifest.Name,
                MemoryBytes = revision.Manifest.MemoryBytes,
                State = error is null ? InvocationState.Succeeded : outcome.RetryAfter is null ? InvocationState.Failed : InvocationState.Queued,
                NextAttempt = outcome.RetryAfter is { } wait ? message with { Attempt = message.Attempt + 1, DueAt = DateTimeOffset.UtcNow + wait } : null,
                Error = error,
                Result = result,
                OnSuccess = revision.Manifest.OnSuccess,
                OnFailure = revision.Manifest.OnFailure,
                Event = message.Body,
                StartedAt = started,
                EndedAt = DateTimeOffset.UtcNow,
                Timings = timings,
                WorkerId = Id,
                Bill = bill,
            },
            CancellationToken.None);
        if (synchronous)
        {
            await delivery.SendReplyAsync(new InvocationReply
            {
                InvocationId = message.InvocationId,
                Result = result,
                Error = error,
                Timings = timings,
                BilledMilliseconds = bill.BilledMilliseconds,
                WorkerId = Id,
            });
        }
        else
        {
            await delivery.AckAsync();
        }
    }
}

/// <summary>What the test's function did.</summary>
internal sealed record Outcome(InvocationResult? Result, InvocationError? Error)
{
    /// <summary>Writes the answer in pieces, behind the result as its head, where the caller takes it so; null for an answer in one piece.</summary>
    public Func<IAnswerStream, Task>? Stream { get; init; }

    /// <summary>The next attempt is due after this; null for none.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Answered with the error, and not run: there is no record.</summary>
    public bool IsRefused { get; init; }

    /// <summary>As if the worker had died: the delivery goes back without a record.</summary>
    public bool IsReturned { get; init; }

    public static Outcome Died { get; } = new(null, null) { IsReturned = true };

    public static Outcome Good { get; } = new(new InvocationResult(), null);

    public static Outcome Failed(TimeSpan? retryAfter) =>
        new(null, new InvocationError { Code = ErrorCode.FunctionError, Type = "Error", Message = "failed" }) { RetryAfter = retryAfter };
}

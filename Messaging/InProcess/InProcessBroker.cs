using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.InProcess;

/// <summary>
/// The broker of the embedded mode: the same queues with the same rules as RabbitMQ's, in memory, and the asynchronous ones on
/// disk as well. One lock guards the queues; consumers are called outside of it.
/// </summary>
internal sealed partial class InProcessBroker : IInvocationSender, IInvocationReceiver, IMessagingHealth, IAsyncDisposable
{
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, FunctionQueues> functions = [];
    private readonly LinkedList<Entry> cold = new();
    private readonly LinkedList<Entry> dead = new();
    private readonly List<InProcessSubscription> coldConsumers = [];
    private readonly List<InProcessSubscription> deadConsumers = [];
    private readonly ConcurrentDictionary<Guid, PendingCall> calls = new();
    private readonly MessagingOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly QueueFile file;
    private readonly ITimer spillTimer;
    private long lastTag;
    private bool isDisposed;

    /// <summary>Opens the queues that the data directory holds.</summary>
    public InProcessBroker(IOptions<MessagingOptions> options, TimeProvider time, ILogger<InProcessBroker> logger)
    {
        this.options = options.Value;
        this.time = time;
        this.logger = logger;
        file = new QueueFile(this.options.DataDirectory ?? throw new InvalidOperationException("Data:Directory is not set; the embedded mode keeps its queue there."));
        foreach (var functionId in file.ReadQueues())
        {
            functions[functionId] = new FunctionQueues { IsDeclared = true };
        }

        foreach (var (tag, message, deliveries) in file.ReadMessages())
        {
            lastTag = Math.Max(lastTag, tag);
            QueueAsynchronous(new Entry(message.FunctionId, message, tag) { Deliveries = deliveries });
        }

        var tick = this.options.SpillTime / 4;
        spillTimer = time.CreateTimer(_ => Spill(), null, tick, tick);
    }

    /// <inheritdoc/>
    public string? Problem => file.Problem;

    /// <inheritdoc/>
    public async Task<CallOutcome> CallAsync(InvocationMessage message, TimeSpan runLimit, CancellationToken cancellationToken)
    {
        var call = new PendingCall();
        calls[message.InvocationId] = call;
        try
        {
            var entry = new Entry(message.FunctionId, message, 0);
            Change(message.FunctionId, () => QueueCall(entry));
            var wait = message.Deadline - time.GetUtcNow();
            if (!await WaitAsync(call.Progress.Task, wait, cancellationToken) && !call.Progress.Task.IsCompleted)
            {
                return new CallOutcome { Error = cancellationToken.IsCancellationRequested ? ErrorCode.Cancelled : ErrorCode.WaitTimeout };
            }

            // Started or answered: from here on the run has its own limit.
            return await WaitAsync(call.Reply.Task, runLimit + ReplyGrace, cancellationToken)
                ? new CallOutcome { Reply = await call.Reply.Task, StartedOn = options.NodeId }
                : new CallOutcome { Error = cancellationToken.IsCancellationRequested ? ErrorCode.Cancelled : ErrorCode.WorkerLost, StartedOn = options.NodeId };
        }
        finally
        {
            calls.TryRemove(message.InvocationId, out _);
        }
    }

    /// <inheritdoc/>
    public async Task<ErrorCode?> EnqueueAsync(InvocationMessage message, CancellationToken cancellationToken)
    {
        var kept = message with { Body = message.Body.ToArray() };
        lock (gate)
        {
            if (!functions.TryGetValue(message.FunctionId, out var queues) || !queues.IsDeclared)
            {
                return ErrorCode.BrokerUnavailable;
            }

            if (queues.AsynchronousCount >= options.QueueLength)
            {
                return ErrorCode.QueueFull;
            }

            queues.AsynchronousCount++;
        }

        var tag = Interlocked.Increment(ref lastTag);
        try
        {
            await file.AddAsync(tag, kept);
        }
        catch (MessagingUnavailableException)
        {
            lock (gate)
            {
                QueueOf(message.FunctionId).AsynchronousCount--;
            }

            return ErrorCode.BrokerUnavailable;
        }

        Change(message.FunctionId, () => QueueOf(message.FunctionId).Asynchronous.AddLast(new Entry(message.FunctionId, kept, tag)));
        return null;
    }

    /// <inheritdoc/>
    public Task WakeAsync(Guid functionId, CancellationToken cancellationToken)
    {
        Change(null, () => cold.AddLast(new Entry(functionId, null, 0)));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task DeclareFunctionAsync(Guid functionId, CancellationToken cancellationToken)
    {
        await file.AddQueueAsync(functionId);
        lock (gate)
        {
            QueueOf(functionId).IsDeclared = true;
        }
    }

    /// <inheritdoc/>
    public async Task DeleteFunctionAsync(Guid functionId, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            QueueOf(functionId).IsDeclared = false;
        }

        while (TakeAsynchronous(functionId) is { } entry)
        {
            try
            {
                await drained(entry.Message!, cancellationToken);
            }
            catch
            {
                Change(functionId, () => QueueOf(functionId).Asynchronous.AddFirst(entry));
                throw;
            }

            file.Remove(entry.Tag);
            lock (gate)
            {
                QueueOf(functionId).AsynchronousCount--;
            }
        }

        await file.RemoveQueueAsync(functionId);
    }

    /// <inheritdoc/>
    public Task<IColdSubscription> SubscribeColdAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken)
    {
        var subscription = new InProcessSubscription(this, null, onDelivery, 0);
        Change(null, () => coldConsumers.Add(subscription));
        return Task.FromResult<IColdSubscription>(subscription);
    }

    /// <inheritdoc/>
    public Task<ILaneSubscription> SubscribeLaneAsync(Guid functionId, int prefetch, Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken)
    {
        var subscription = new InProcessSubscription(this, functionId, onDelivery, prefetch);
        Change(functionId, () => QueueOf(functionId).Lanes.Add(subscription));
        return Task.FromResult<ILaneSubscription>(subscription);
    }

    /// <inheritdoc/>
    public Task<IAsyncDisposable> SubscribeDeadAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken)
    {
        var subscription = new InProcessSubscription(this, null, onDelivery, 100);
        Change(null, () => deadConsumers.Add(subscription));
        return Task.FromResult<IAsyncDisposable>(subscription);
    }

    /// <summary>Says that a call runs.</summary>
    public void Started(Entry entry)
    {
        if (entry.Message is { } message && calls.TryGetValue(message.InvocationId, out var call))
        {
            call.Progress.TrySetResult();
        }
    }

    /// <summary>Answers a call.</summary>
    public void Reply(Entry entry, InvocationReply reply)
    {
        if (calls.TryGetValue(reply.InvocationId, out var call) && entry.Message?.InvocationId == reply.InvocationId)
        {
            call.Reply.TrySetResult(reply);
            call.Progress.TrySetResult();
        }
    }

    /// <summary>Waits for a consumer that did not return at once, so that its failure is seen.</summary>
    public async Task ObserveAsync(ValueTask handled)
    {
        try
        {
            await handled;
        }
        catch (Exception exception)
        {
            Log.ConsumerFailed(logger, exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The container disposes it once for each interface that it was asked for by.
        if (Interlocked.Exchange(ref isDisposed, true))
        {
            return;
        }

        await spillTimer.DisposeAsync();
        await file.DisposeAsync();
    }

    private async Task<bool> WaitAsync(Task task, TimeSpan atMost, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(atMost < TimeSpan.Zero ? TimeSpan.Zero : atMost, time, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    private sealed class PendingCall
    {
        /// <summary>Ends when the run started or was answered.</summary>
        public TaskCompletionSource Progress { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<InvocationReply> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

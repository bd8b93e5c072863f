using FaasCluster.Contracts.Invocations;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.InProcess;

/// <summary>The broker of the embedded mode: RabbitMQ's queues with RabbitMQ's rules, in memory, and the asynchronous ones on disk as well.</summary>
internal sealed class InProcessBroker : IInvocationSender, IInvocationReceiver, IQueueDepths, IMessagingHealth, IAsyncDisposable
{
    private const int DeadPrefetch = 100;

    /// <summary>Content of waiting asynchronous invocations that is kept in memory, in bytes; what comes on top lies on disk only.</summary>
    private const long CacheBytes = 64 << 20;

    private static readonly TimeSpan WakeExpiration = TimeSpan.FromSeconds(10);

    /// <summary>Workers hear of a deletion within this; what they hold then is theirs to record.</summary>
    private static readonly TimeSpan WorkersLeave = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan DrainLook = TimeSpan.FromMilliseconds(20);

    private readonly MessagingOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly QueueFile file;
    private readonly InProcessQueues queues;
    private readonly WaitingCalls calls;
    private readonly ITimer spillTimer;
    private long lastTag;
    private long cachedBytes;
    private bool isDisposed;

    /// <summary>Opens the queues that the data directory holds.</summary>
    public InProcessBroker(IOptions<MessagingOptions> options, TimeProvider time, ILogger<InProcessBroker> logger)
    {
        this.options = options.Value;
        this.time = time;
        this.logger = logger;
        file = new QueueFile(this.options.DataDirectory ?? throw new InvalidOperationException("Data:Directory is not set; the embedded mode keeps its queue there."));
        queues = new InProcessQueues(this.options, file, time, logger);
        calls = new WaitingCalls(this.options.NodeId, time);
        foreach (var functionId in file.ReadQueues())
        {
            queues.Declare(functionId);
        }

        foreach (var entry in file.ReadEntries())
        {
            lastTag = entry.Tag;
            queues.CountEvent(entry.FunctionId, 1);
            queues.AddEvent(entry);
        }

        var tick = this.options.SpillTime / 4;
        spillTimer = time.CreateTimer(_ => queues.Spill(), null, tick, tick);
    }

    /// <inheritdoc/>
    public string? Problem => file.Problem;

    /// <inheritdoc/>
    public Task<CallOutcome> CallAsync(InvocationMessage message, TimeSpan runLimit, IAnswerSink? sink, CancellationToken cancellationToken)
    {
        var window = sink is null ? 0 : options.StreamWindowBytes;
        return calls.WaitAsync(message, kept => queues.AddCall(Entry.Call(kept, window)), runLimit, sink, window, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ErrorCode?> EnqueueAsync(InvocationMessage message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var kept = message with { Body = message.Body.ToArray() };
        var refusal = queues.Look<ErrorCode?>(message.FunctionId, queue =>
        {
            if (!queue.IsDeclared)
            {
                return ErrorCode.BrokerUnavailable;
            }

            if (queue.EventCount >= options.QueueLength)
            {
                return ErrorCode.QueueFull;
            }

            queue.EventCount++;
            return null;
        });
        if (refusal == ErrorCode.BrokerUnavailable)
        {
            await HealAsync(message.FunctionId, cancellationToken);
        }

        if (refusal is not null)
        {
            return refusal;
        }

        var tag = Interlocked.Increment(ref lastTag);
        try
        {
            await file.AddAsync(tag, kept);
        }
        catch (MessagingUnavailableException)
        {
            queues.CountEvent(message.FunctionId, -1);
            return ErrorCode.BrokerUnavailable;
        }

        queues.AddEvent(Entry.Event(message.FunctionId, tag, Cache(kept) ? kept : null, uncache: Uncache));
        return null;
    }

    /// <inheritdoc/>
    public Task<long?> CountWaitingAsync(Guid functionId, CancellationToken cancellationToken) =>
        Task.FromResult<long?>(queues.Look(functionId, queue => queue.Events.Count));

    /// <inheritdoc/>
    public Task WakeAsync(Guid functionId, CancellationToken cancellationToken)
    {
        queues.AddWake(Entry.Wake(functionId, time.GetUtcNow() + WakeExpiration));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task DeclareFunctionAsync(Guid functionId, CancellationToken cancellationToken)
    {
        await file.AddQueueAsync(functionId);
        queues.Declare(functionId);
    }

    /// <inheritdoc/>
    public async Task DeleteFunctionAsync(Guid functionId, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken)
    {
        queues.Undeclare(functionId);
        var began = time.GetTimestamp();
        while (true)
        {
            while (queues.TakeEvent(functionId) is { } entry)
            {
                await DrainAsync(entry, drained, cancellationToken);
            }

            var left = queues.Look(functionId, queue => (Ready: queue.Events.Count, queue.UnsettledEvents));
            if (left.Ready == 0 && (left.UnsettledEvents == 0 || time.GetElapsedTime(began) >= WorkersLeave))
            {
                break;
            }

            await Task.Delay(DrainLook, time, cancellationToken);
        }

        await file.RemoveQueueAsync(functionId);
    }

    /// <inheritdoc/>
    public Task<IColdSubscription> SubscribeColdAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken) =>
        Task.FromResult<IColdSubscription>(Subscribe(InProcessSource.Cold, null, onDelivery, 0));

    /// <inheritdoc/>
    public Task<ILaneSubscription> SubscribeLaneAsync(Guid functionId, int prefetch, Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken) =>
        Task.FromResult<ILaneSubscription>(Subscribe(InProcessSource.Lane, functionId, onDelivery, prefetch));

    /// <inheritdoc/>
    public Task<IAsyncDisposable> SubscribeDeadAsync(Func<IDelivery, ValueTask> onDelivery, CancellationToken cancellationToken) =>
        Task.FromResult<IAsyncDisposable>(Subscribe(InProcessSource.Dead, null, onDelivery, DeadPrefetch));

    /// <inheritdoc/>
    public IReadOnlyDictionary<Guid, int> CountHeldEvents() => queues.CountHeldEvents();

    /// <inheritdoc/>
    public Task<QueueDepths> ReadAsync(IReadOnlyCollection<Guid> functionIds, CancellationToken cancellationToken) => Task.FromResult(queues.CountReady(functionIds));

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

    private InProcessSubscription Subscribe(InProcessSource source, Guid? functionId, Func<IDelivery, ValueTask> onDelivery, int prefetch)
    {
        var subscription = new InProcessSubscription(queues, calls, source, functionId, onDelivery, prefetch);
        queues.Subscribe(subscription);
        return subscription;
    }

    // The function was there when the caller looked, so its queue was lost: with the file, or by hand.
    private async Task HealAsync(Guid functionId, CancellationToken cancellationToken)
    {
        if (!queues.IsDeleted(functionId))
        {
            await DeclareFunctionAsync(functionId, cancellationToken);
            Log.QueueHealed(logger, functionId);
        }
    }

    private async Task DrainAsync(Entry entry, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken)
    {
        try
        {
            if ((entry.Message ?? await file.ReadAsync(entry.Tag)) is { } message)
            {
                await drained(message, cancellationToken);
            }
            else
            {
                Log.Unreadable(logger, entry.Tag, entry.FunctionId);
            }
        }
        catch
        {
            queues.PutBackEvent(entry);
            throw;
        }

        file.Remove(entry.Tag);
        entry.Uncache();
        queues.CountEvent(entry.FunctionId, -1);
    }

    private bool Cache(InvocationMessage message)
    {
        if (Interlocked.Add(ref cachedBytes, message.Body.Length) <= CacheBytes)
        {
            return true;
        }

        Uncache(message);
        return false;
    }

    private void Uncache(InvocationMessage message) => Interlocked.Add(ref cachedBytes, -message.Body.Length);
}

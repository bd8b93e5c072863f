using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Invocations that were recorded as cancelled: their runs here are killed, and those that come later are skipped. A hint, for
/// whatever a worker does, the record stays.
/// </summary>
internal sealed class CancelledInvocations(TimeProvider time) : IControlBusHandler<InvocationCancelled>
{
    /// <summary>Ids that are remembered; the oldest are forgotten first.</summary>
    internal const int Capacity = 50_000;

    private readonly ConcurrentDictionary<Guid, byte> ids = new();
    private readonly ConcurrentQueue<Guid> order = new();
    private readonly ConcurrentDictionary<Guid, CancellableRun> runs = new();

    /// <summary>How a cancelled invocation is answered.</summary>
    public static InvocationError Error { get; } = new() { Code = ErrorCode.Cancelled, Message = "The invocation was cancelled." };

    /// <summary>What was cancelled before this time is not known here.</summary>
    public DateTimeOffset HeardSince { get; } = time.GetUtcNow();

    /// <summary>Whether the invocation is known to be cancelled.</summary>
    public bool Contains(Guid invocationId) => ids.ContainsKey(invocationId);

    /// <summary>Begins a run that a cancellation kills. Dispose it when the run is over.</summary>
    public CancellableRun Begin(Guid invocationId, CancellationToken cancellationToken)
    {
        var run = new CancellableRun(this, invocationId, cancellationToken);
        runs[invocationId] = run;

        // After it can be found: whoever cancels in this moment sees the run, or is seen by it.
        if (Contains(invocationId))
        {
            run.Cancel();
        }

        return run;
    }

    public Task HandleAsync(InvocationCancelled message, CancellationToken cancellationToken)
    {
        if (ids.TryAdd(message.InvocationId, 0))
        {
            order.Enqueue(message.InvocationId);
        }

        while (order.Count > Capacity && order.TryDequeue(out var oldest))
        {
            ids.TryRemove(oldest, out _);
        }

        if (runs.TryGetValue(message.InvocationId, out var run))
        {
            run.Cancel();
        }

        return Task.CompletedTask;
    }

    private void End(Guid invocationId, CancellableRun run) => runs.TryRemove(KeyValuePair.Create(invocationId, run));

    /// <summary>A run of one invocation.</summary>
    internal sealed class CancellableRun(CancelledInvocations owner, Guid invocationId, CancellationToken cancellationToken) : IDisposable
    {
        private readonly Lock gate = new();
        private readonly CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        private bool isOver;

        /// <summary>Kills the run.</summary>
        public CancellationToken Token => source.Token;

        /// <summary>True if the invocation was cancelled, and not only the worker stopped.</summary>
        public bool IsCancelled { get; private set; }

        public void Cancel()
        {
            lock (gate)
            {
                if (isOver)
                {
                    return;
                }

                IsCancelled = true;
            }

            Kill();
        }

        /// <summary>Kills the run for a reason that whoever calls this knows.</summary>
        public void Kill()
        {
            // Outside of the lock, because it runs what is registered; disposed meanwhile there is nothing to kill.
            try
            {
                source.Cancel();
            }
            catch (ObjectDisposedException)
            {
            }
        }

        public void Dispose()
        {
            lock (gate)
            {
                isOver = true;
            }

            owner.End(invocationId, this);
            source.Dispose();
        }
    }
}

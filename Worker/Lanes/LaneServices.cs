using FaasCluster.Contracts.Functions;
using FaasCluster.Messaging;
using FaasCluster.Worker.Concurrency;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Telemetry;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Lanes;

/// <summary>What every lane of a worker shares.</summary>
internal sealed class LaneServices(
    IInvocationReceiver receiver,
    IControlBus bus,
    ISandboxFactory sandboxes,
    Admission admission,
    InvocationExecutor executor,
    RevisionCache revisions,
    WorkerMetrics metrics,
    WorkerPeers peers,
    SlotLeases leases,
    IKeepAlivePolicy keepAlive,
    IOptions<WorkerOptions> options,
    IOptions<MessagingOptions> messaging,
    TimeProvider time,
    ILogger<LaneServices> logger) : IDisposable
{
    private readonly CancellationTokenSource killed = new();
    private readonly SemaphoreSlim lookNow = new(0, 1);

    public IInvocationReceiver Receiver => receiver;

    public IControlBus Bus => bus;

    public ISandboxFactory Sandboxes => sandboxes;

    public Admission Admission => admission;

    public InvocationExecutor Executor => executor;

    public RevisionCache Revisions => revisions;

    public WorkerMetrics Metrics => metrics;

    /// <summary>Slots of functions with a concurrency limit.</summary>
    public SlotLeases Leases => leases;

    /// <summary>How long idle sandboxes are kept.</summary>
    public IKeepAlivePolicy KeepAlive => keepAlive;

    public WorkerOptions Options => options.Value;

    public TimeProvider Time => time;

    public ILogger Logger => logger;

    public string WorkerId => messaging.Value.NodeId;

    public TimeSpan SpillTime => messaging.Value.SpillTime;

    public int Cores { get; } = Environment.ProcessorCount;

    /// <summary>Memory promised to sandboxes.</summary>
    public MemoryBudget Budget { get; } = new(options.Value.MemoryBytes);

    /// <summary>Cancelled when the drain time is over: everything is left as it is.</summary>
    public CancellationToken Killed => killed.Token;

    /// <summary>True while other workers are heard of.</summary>
    public bool OthersAlive => peers.Count > 0;

    /// <summary>How often a call may be handed back as too large before it is answered with no_capacity: once by each worker.</summary>
    public int MostRefusals => peers.Count;

    /// <summary>Ends idle sandboxes of other lanes until the memory is there; set by the table, which knows them all.</summary>
    public Func<long, Lane, Task<bool>> Evict { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>Whether this worker can ever run a revision.</summary>
    public bool CanRun(FunctionRevision revision) =>
        revision.Manifest.MemoryBytes <= Budget.TotalBytes && sandboxes.Runtimes.Contains(revision.Manifest.Runtime);

    /// <summary>Ends a slot's sandbox and gives back what it held.</summary>
    public async Task EndAsync(Slot slot)
    {
        try
        {
            await slot.Sandbox.DisposeAsync();
        }
        finally
        {
            Release(slot.ReservedBytes);
            if (slot.Lease is { } lease)
            {
                await lease.ReleaseAsync();
            }
        }
    }

    /// <summary>Promises memory, ending idle sandboxes of other functions if need be.</summary>
    public async Task<bool> ReserveAsync(long bytes, Lane lane) => Budget.TryReserve(bytes) || await Evict(bytes, lane);

    /// <summary>Takes a promise back.</summary>
    public void Release(long bytes)
    {
        if (bytes > 0)
        {
            Budget.Release(bytes);
        }
    }

    /// <summary>Says that something waits, so that lanes are looked at soon.</summary>
    public void Waiting()
    {
        if (lookNow.CurrentCount == 0)
        {
            try
            {
                lookNow.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else said so at the same moment.
            }
        }
    }

    /// <summary>Returns when something waits, or after the given time.</summary>
    public Task WhenWaitingAsync(TimeSpan atMost, CancellationToken cancellationToken) => lookNow.WaitAsync(atMost, cancellationToken);

    /// <summary>Lets a task run on its own; its failure is logged.</summary>
    public void Track(Task task)
    {
        if (!task.IsCompletedSuccessfully)
        {
            _ = LogFailureAsync(task);
        }
    }

    public void Kill() => killed.Cancel();

    public void Dispose()
    {
        killed.Dispose();
        lookNow.Dispose();
    }

    private async Task LogFailureAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // The worker ends.
        }
        catch (Exception exception)
        {
            Log.BackgroundFailed(logger, exception);
        }
    }
}

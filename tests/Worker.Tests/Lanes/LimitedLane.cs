using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>One worker of functions with a concurrency limit; the others are played by the store of leases.</summary>
public sealed class LimitedLane(params (string Key, string Value)[] settings) : IAsyncLifetime
{
    /// <summary>So long that no test takes as much of it by being slow.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(100);

    /// <summary>How long anything may take before it is called hung.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly LaneFixture worker = new([("Worker:SlotLease", Lease.ToString()), ("Worker:HeartbeatInterval", "00:00:00.2"), .. settings]);

    internal LaneFixture Worker => worker;

    internal SteeredSandboxes Sandboxes => worker.Sandboxes;

    internal ISlotLeaseStore Others => worker.Leases.Uncut;

    public ValueTask InitializeAsync() => worker.InitializeAsync();

    public ValueTask DisposeAsync() => worker.DisposeAsync();

    /// <summary>An invocation that stays wanted however far the worker's clock is set.</summary>
    internal InvocationMessage Message(FunctionRevision revision, InvocationKind kind = InvocationKind.Synchronous) =>
        worker.Message(revision, kind) with { Deadline = DateTimeOffset.UtcNow.AddHours(1) };

    /// <summary>A call that runs in the first sandbox until it is ended.</summary>
    internal async Task<(InvocationMessage Message, Task<CallOutcome> Call)> RunFirstAsync(FunctionRevision revision)
    {
        var message = Message(revision);
        var call = worker.CallAsync(message);
        await StartAllAsync(() => Sandboxes.Runs.ContainsKey(message.InvocationId));
        return (message, call);
    }

    /// <summary>Lets every sandbox start that is asked for, until a condition holds.</summary>
    internal Task StartAllAsync(Func<bool> until) => Wait.UntilAsync(() =>
    {
        StartAll();
        return until();
    });

    /// <summary>Says again that there is something to do until an event runs.</summary>
    internal Task WakeUntilRunsAsync(InvocationMessage message) => Eventually.TrueAsync(
        async () =>
        {
            await worker.Get<IInvocationSender>().WakeAsync(message.FunctionId, CancellationToken.None);
            StartAll();
            return Sandboxes.Runs.ContainsKey(message.InvocationId);
        },
        "the event runs");

    /// <summary>Another worker asks for a slot, and keeps it if it gets it.</summary>
    internal Task<bool> TakeAsOtherAsync(FunctionRevision revision) =>
        Others.TryHoldAsync(revision.FunctionId, "other", 1, 1, TimeSpan.FromMinutes(5), CancellationToken.None);

    /// <summary>What the other had is free again.</summary>
    internal Task ReturnAsOtherAsync(FunctionRevision revision) => Others.HoldAsync(revision.FunctionId, "other", 0, TimeSpan.FromMinutes(5), CancellationToken.None);

    /// <summary>As if so much of the lease's lifetime had passed since its last renewal, by the clocks of the worker and of the store.</summary>
    internal async Task PassAsync(FunctionRevision revision, double lifetimes)
    {
        worker.Time.Advance(Lease * lifetimes);
        await Others.HoldAsync(revision.FunctionId, worker.Id, 1, Lease * (1 - lifetimes), CancellationToken.None);
    }

    internal async Task EnqueueAsync(InvocationMessage message) =>
        Assert.Null(await worker.Get<IInvocationSender>().EnqueueAsync(message, CancellationToken.None));

    internal async Task<InvocationState?> StateAsync(InvocationMessage message) =>
        (await worker.Get<IInvocationStore>().FindAsync(message.AccountId, message.InvocationId, CancellationToken.None))?.Summary.State;

    internal void End(InvocationMessage message) => Sandboxes.Runs[message.InvocationId].SetResult();

    private void StartAll()
    {
        foreach (var start in Sandboxes.Starts)
        {
            start.TrySetResult(null);
        }
    }
}

using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Lanes;

/// <summary>How an attempt to get a slot ended.</summary>
internal sealed record SlotStart
{
    /// <summary>What was to be loaded, if it is known.</summary>
    public FunctionRevision? Revision { get; private init; }

    /// <summary>The slot.</summary>
    public Slot? Slot { get; private init; }

    /// <summary>What to do with the delivery that waits for it: one start fails one delivery.</summary>
    public Func<WaitingDelivery, Task>? Fail { get; private init; }

    /// <summary>What went wrong, if it is the function's start.</summary>
    public InvocationError? Error { get; private init; }

    /// <summary>True if there is neither a slot nor a failure: what waits goes on waiting.</summary>
    public bool IsLater => Slot is null && Fail is null;

    public static SlotStart Started(FunctionRevision revision, Slot slot) => new() { Revision = revision, Slot = slot };

    public static SlotStart Failed(FunctionRevision? revision, Func<WaitingDelivery, Task> fail, InvocationError? error = null) =>
        new() { Revision = revision, Fail = fail, Error = error };

    public static SlotStart Later(FunctionRevision? revision) => new() { Revision = revision };
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One thing for the writer of <see cref="QueueFile"/> to do.</summary>
internal sealed class QueueChange
{
    public required QueueChangeKind Kind { get; init; }

    public long Tag { get; init; }

    public Guid FunctionId { get; init; }

    /// <summary>What is added, or what was read.</summary>
    public InvocationMessage? Message { get; set; }

    /// <summary>True if the message is to be read.</summary>
    public bool IsWanted { get; init; }

    /// <summary>Ends when it is committed.</summary>
    public TaskCompletionSource<InvocationMessage?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>What a <see cref="QueueChange"/> does.</summary>
internal enum QueueChangeKind
{
    /// <summary>Adds a message.</summary>
    Add,

    /// <summary>Counts a delivery of a message.</summary>
    HandOut,

    /// <summary>Reads a message.</summary>
    Read,

    /// <summary>Removes a message.</summary>
    Remove,

    /// <summary>Adds a function's queue.</summary>
    AddQueue,

    /// <summary>Removes a function's queue.</summary>
    RemoveQueue,
}

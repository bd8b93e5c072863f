using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One thing in a queue: a call, an asynchronous invocation or a wake.</summary>
internal sealed class Entry(Guid functionId, InvocationMessage? message, long tag)
{
    public Guid FunctionId => functionId;

    /// <summary>Null for a wake.</summary>
    public InvocationMessage? Message => message;

    /// <summary>Its row in the queue's file; 0 for what is not kept.</summary>
    public long Tag => tag;

    public bool IsAsynchronous => message?.Kind == InvocationKind.Asynchronous;

    /// <summary>How often it was handed out, this process's predecessors included.</summary>
    public int Deliveries { get; set; }

    public int Refusals { get; set; }

    /// <summary>When it was put into the warm queue, by the monotonic clock.</summary>
    public long QueuedAt { get; set; }
}

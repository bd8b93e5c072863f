using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One thing in a queue: a call, an asynchronous invocation or a wake. Guarded by the broker's lock.</summary>
internal sealed class Entry
{
    private Action<InvocationMessage>? uncache;

    private Entry(Guid functionId, EntryKind kind)
    {
        FunctionId = functionId;
        Kind = kind;
    }

    public Guid FunctionId { get; }

    public EntryKind Kind { get; }

    /// <summary>Null for a wake, and for an asynchronous invocation that lies on disk only.</summary>
    public InvocationMessage? Message { get; set; }

    /// <summary>Its row in the queue's file; 0 for what is not kept.</summary>
    public long Tag { get; private init; }

    /// <summary>How often it was handed out, this process's predecessors included.</summary>
    public int Deliveries { get; set; }

    /// <summary>True once it was handed out as a dead letter.</summary>
    public bool IsDead { get; set; }

    public int Refusals { get; set; }

    /// <summary>When it was put into the warm queue, by the monotonic clock.</summary>
    public long QueuedAt { get; set; }

    /// <summary>When nobody wants it any more; null for what is kept until it is settled.</summary>
    public DateTimeOffset? ExpiresAt { get; private init; }

    /// <summary>How much of an answer may be under way in pieces; 0 if the caller takes it only whole.</summary>
    public int StreamWindow { get; private init; }

    public static Entry Call(InvocationMessage message, int streamWindow) =>
        new(message.FunctionId, EntryKind.Call) { Message = message, ExpiresAt = message.Deadline, StreamWindow = streamWindow };

    public static Entry Wake(Guid functionId, DateTimeOffset expiresAt) => new(functionId, EntryKind.Wake) { ExpiresAt = expiresAt };

    /// <param name="functionId">The function.</param>
    /// <param name="tag">Its row.</param>
    /// <param name="message">Null if it lies on disk only.</param>
    /// <param name="deliveries">How often it was handed out.</param>
    /// <param name="uncache">Called once, with the message, when it is kept no more.</param>
    public static Entry Event(Guid functionId, long tag, InvocationMessage? message, int deliveries = 0, Action<InvocationMessage>? uncache = null) =>
        new(functionId, EntryKind.Event) { Tag = tag, Message = message, Deliveries = deliveries, uncache = message is null ? null : uncache };

    /// <summary>It is gone: its content counts no more.</summary>
    public void Uncache()
    {
        uncache?.Invoke(Message!);
        uncache = null;
    }
}

/// <summary>What an entry is.</summary>
internal enum EntryKind
{
    /// <summary>A synchronous invocation.</summary>
    Call,

    /// <summary>An asynchronous invocation.</summary>
    Event,

    /// <summary>A request to become warm.</summary>
    Wake,
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Dispatches;

/// <summary>Where the end of an invocation is told. An invocation has at most one dispatch of each kind.</summary>
public enum DispatchKind
{
    /// <summary>To a function of the same account, which is invoked.</summary>
    Function,

    /// <summary>To a queue of the user's broker.</summary>
    Queue,

    /// <summary>To a URL that the caller named.</summary>
    Callback,
}

/// <summary>The life of a dispatch: waiting is left by whoever settles it, and dead for waiting if somebody asks for it.</summary>
public enum DispatchState
{
    /// <summary>Due now or after the backoff.</summary>
    Waiting,

    /// <summary>The receiver has it.</summary>
    Delivered,

    /// <summary>Given up: it outlived its maximum age, or it can never be delivered. Its document is kept until retention.</summary>
    Dead,
}

/// <summary>What is told to somebody else about the end of one asynchronous invocation, written in the transaction that ends it.</summary>
public sealed record Dispatch
{
    /// <summary>The invocation that ended.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>To what kind of receiver.</summary>
    public required DispatchKind Kind { get; init; }

    /// <summary>Derived from invocation and kind, so that receivers can tell a repetition; the id of the invocation of a function.</summary>
    public required Guid DispatchId { get; init; }

    /// <summary>The account of the invocation.</summary>
    public required string AccountId { get; init; }

    /// <summary>The function whose invocation ended.</summary>
    public required string FunctionName { get; init; }

    /// <summary>The depth of the invocation that ended.</summary>
    public required int Depth { get; init; }

    /// <summary>The name of the function, the name of the connection, or the URL.</summary>
    public required string Target { get; init; }

    /// <summary>The exchange; empty for the default one, and for what is no queue.</summary>
    public string Exchange { get; init; } = "";

    /// <summary>The routing key; empty for what is no queue.</summary>
    public string RoutingKey { get; init; } = "";

    /// <summary>The state in which the invocation ended.</summary>
    public required InvocationState Outcome { get; init; }

    /// <summary>Why it did not succeed; null if it did.</summary>
    public ErrorCode? ErrorCode { get; init; }

    /// <summary>The content type of <see cref="Body"/>.</summary>
    public required string ContentType { get; init; }

    /// <summary>The W3C trace context of the invocation.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The destination record, or the answer for a callback; empty once it was delivered.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Where it is in its life.</summary>
    public DispatchState State { get; init; } = DispatchState.Waiting;

    /// <summary>How often it was tried.</summary>
    public int Attempts { get; init; }

    /// <summary>When the invocation ended.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Since when it is tried: when the invocation ended, or when somebody asked to send it again.</summary>
    public DateTimeOffset BeganAt { get; init; }

    /// <summary>When it is tried next.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>When it was delivered or given up; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why the last try failed; null if none did.</summary>
    public string? LastError { get; init; }
}

namespace FaasCluster.Contracts.Api;

/// <summary>How it stands with telling somebody the end of an invocation.</summary>
public sealed record DispatchDescription
{
    /// <summary>The invocation that ended.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>The function whose invocation ended.</summary>
    public required string Function { get; init; }

    /// <summary>function, queue or callback.</summary>
    public required string Kind { get; init; }

    /// <summary>The name of the function; the queue, or exchange and routing key, with the connection behind; the URL without its query.</summary>
    public required string Target { get; init; }

    /// <summary>waiting, delivered or dead.</summary>
    public required string State { get; init; }

    /// <summary>How often it was tried.</summary>
    public required int Attempts { get; init; }

    /// <summary>Why the last try that failed did; null if none did.</summary>
    public string? LastError { get; init; }

    /// <summary>When the invocation ended.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it is tried next; null once it ended.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>When it was delivered or given up; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The invocation of the function that it became; null for others, and before.</summary>
    public Guid? BecameInvocation { get; init; }
}

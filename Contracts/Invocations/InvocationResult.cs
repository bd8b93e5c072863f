namespace FaasCluster.Contracts.Invocations;

/// <summary>What a function answered: a payload, and for HTTP-shaped answers status and headers.</summary>
public sealed record InvocationResult
{
    /// <summary>The HTTP status that the function chose, 100 to 599; null for an answer that is not HTTP-shaped.</summary>
    public int? HttpStatus { get; init; }

    /// <summary>Header fields that the function chose; a name may occur more than once. Checked by the gateway.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The content type of <see cref="Body"/>.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
}

/// <summary>Why an attempt did not end well.</summary>
public sealed record InvocationError
{
    /// <summary>The kind of end.</summary>
    public required ErrorCode Code { get; init; }

    /// <summary>The type of the error that the function raised, for example "ValueError"; null if it raised none.</summary>
    public string? Type { get; init; }

    /// <summary>What happened, for people: at most 4 kB.</summary>
    public required string Message { get; init; }

    /// <summary>Frames of the user's own code, innermost last; empty if there are none.</summary>
    public IReadOnlyList<string> StackTrace { get; init; } = [];

    /// <summary>What the function said about a further attempt; null if nothing. It stays on the worker: neither answers nor records carry it.</summary>
    public RetryAdvice? Advice { get; init; }
}

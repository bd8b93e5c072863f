using System.Text.Json.Serialization;

namespace FaasCluster.Worker.Sandboxes.Frames;

/// <summary>Of a loaded frame.</summary>
internal sealed record LoadedHeader
{
    /// <summary>"event" or "http": how the handler takes its event.</summary>
    public required string Signature { get; init; }
}

// Everything may be missing: who writes these headers may be hostile.

/// <summary>Of an error frame while loading or running.</summary>
internal sealed record ErrorHeader
{
    /// <summary>The invocation; null while loading.</summary>
    public string? Id { get; init; }

    /// <summary>The error's type in the function's language.</summary>
    public string? Type { get; init; }

    /// <summary>Its message.</summary>
    public string? Message { get; init; }

    /// <summary>Frames of the user's code, innermost last.</summary>
    public IReadOnlyList<string?>? StackTrace { get; init; }

    /// <summary>True if the process cannot be used again.</summary>
    public bool Fatal { get; init; }

    /// <summary>True if the answer was longer than allowed, so it was not sent.</summary>
    public bool TooLarge { get; init; }

    /// <summary>True if a further attempt would fail as well.</summary>
    public bool DoNotRetry { get; init; }

    /// <summary>When a further attempt may succeed, in seconds; null if the function does not say.</summary>
    public double? RetryAfterSeconds { get; init; }
}

/// <summary>Of a result frame, and of those that begin and end an answer in pieces.</summary>
internal sealed record ResultHeader
{
    /// <summary>The invocation.</summary>
    public string? Id { get; init; }

    /// <summary>The body's content type; null for JSON, and for bytes where the answer comes in pieces.</summary>
    public string? ContentType { get; init; }

    /// <summary>The HTTP status; only of handlers with the http signature.</summary>
    public int? Status { get; init; }

    /// <summary>Names and values of header fields; only of handlers with the http signature.</summary>
    public IReadOnlyList<string?[]?>? Headers { get; init; }
}

/// <summary>Reads headers without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LoadedHeader))]
[JsonSerializable(typeof(ErrorHeader))]
[JsonSerializable(typeof(ResultHeader))]
internal sealed partial class HeaderJson : JsonSerializerContext;

using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Api;

/// <summary>An error answer: RFC 9457 problem details with the members that FaasCluster adds.</summary>
public sealed record Problem
{
    /// <summary>The media type of an error answer.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>"about:blank".</summary>
    public string Type { get; init; } = "about:blank";

    /// <summary>What kind of error it is, for people.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What happened this time, the value, what was expected, what to do.</summary>
    public string? Detail { get; init; }

    /// <summary>The error code.</summary>
    public required string Code { get; init; }

    /// <summary>Who has to act: function, caller or platform.</summary>
    public required string Fault { get; init; }

    /// <summary>The type of the error that the function raised.</summary>
    public string? ErrorType { get; init; }

    /// <summary>Frames of the user's own code.</summary>
    public IReadOnlyList<string>? StackTrace { get; init; }

    /// <summary>The invocation, if there was one.</summary>
    public Guid? InvocationId { get; init; }

    /// <summary>The trace, 32 hex digits.</summary>
    public string? TraceId { get; init; }

    /// <summary>What is wrong, by field.</summary>
    public IReadOnlyList<FieldError>? Errors { get; init; }
}

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Why a request to the Runtime API is refused, in AWS's words.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Type">errorType.</param>
/// <param name="Message">errorMessage.</param>
internal sealed record Refusal(int Status, string Type, string Message)
{
    /// <summary>The id in the path is not that of the invocation that is under way.</summary>
    public static readonly Refusal InvalidRequestId = new(400, "InvalidRequestID", "Invalid request ID");

    /// <summary>Lambda-Runtime-Function-Response-Mode is not "streaming".</summary>
    public static readonly Refusal InvalidResponseMode = new(400, "InvalidFunctionResponseMode", "Invalid function response mode");

    /// <summary>The request ended before its body did.</summary>
    public static readonly Refusal Truncated = new(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");

    /// <summary>The body is larger than an answer may be.</summary>
    public static readonly Refusal TooLarge = new(413, "RequestEntityTooLarge", $"Exceeded maximum allowed payload size ({Contracts.Limits.SynchronousPayloadBytes} bytes).");

    /// <summary>It is not the time for this.</summary>
    public static Refusal InvalidTransition(RuntimeApiState from, RuntimeApiState to) =>
        new(403, "InvalidStateTransition", $"State transition from {Name(from)} to {Name(to)} failed for runtime. Error: State transition is not allowed");

    private static string Name(RuntimeApiState state) => state == RuntimeApiState.ResponseSent ? "RuntimeResponseSentState" : state.ToString();
}

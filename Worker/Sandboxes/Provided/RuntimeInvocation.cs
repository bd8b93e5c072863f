using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>One invocation as a runtime sees it, and its answer.</summary>
internal sealed class RuntimeInvocation
{
    private readonly TaskCompletionSource<RuntimeAnswer> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lambda-Runtime-Aws-Request-Id.</summary>
    public required string Id { get; init; }

    /// <summary>Lambda-Runtime-Deadline-Ms.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>Lambda-Runtime-Invoked-Function-Arn.</summary>
    public required string FunctionArn { get; init; }

    /// <summary>Lambda-Runtime-Trace-Id.</summary>
    public required string TraceId { get; init; }

    /// <summary>The event.</summary>
    public required ReadOnlyMemory<byte> Event { get; init; }

    /// <summary>Whether it is an HTTP request.</summary>
    public required bool IsHttp { get; init; }

    /// <summary>Takes an answer in pieces.</summary>
    public required IResponseStream Response { get; init; }

    /// <summary>Cancelled when the run ends before it has answered.</summary>
    public CancellationToken Deadline { get; set; }

    /// <summary>Ends with what the runtime answered.</summary>
    public Task<RuntimeAnswer> Answer => answer.Task;

    /// <summary>Ends the invocation; only the first answer counts.</summary>
    public void End(RuntimeAnswer given) => answer.TrySetResult(given);
}

/// <summary>What a runtime answered.</summary>
/// <param name="Payload">The answer's bytes; empty if there is an error, or if it was streamed.</param>
/// <param name="Error">The error; null if there is none.</param>
/// <param name="IsStreamed">Whether the invocation's response stream has the answer.</param>
internal readonly record struct RuntimeAnswer(ReadOnlyMemory<byte> Payload, InvocationError? Error, bool IsStreamed = false);

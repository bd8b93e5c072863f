using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// Where a sandbox puts an answer that comes in pieces. Whether they reach the caller one by one or are collected is no matter of
/// the sandbox. One writer at a time; an answer in one piece does without it.
/// </summary>
internal interface IResponseStream
{
    /// <summary>
    /// Begins the answer, and returns when the caller can have it. Called once, before anything is written; from here on the
    /// invocation ends by <see cref="End"/> or with an error, which the caller sees as a broken connection.
    /// </summary>
    /// <param name="head">Status, header fields and content type; its body is the first piece, which may be empty.</param>
    /// <param name="cancellationToken">Must be cancelled with the run.</param>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; so it is before this returns if the caller has gone or the limit is passed. Whose fault it was is known
    /// to whoever made the stream: the sandbox treats it as any other cancellation.
    /// </exception>
    ValueTask StartAsync(InvocationResult head, CancellationToken cancellationToken);

    /// <summary>Writes a piece, and returns when the caller has room for more: that is what slows a function down.</summary>
    /// <param name="bytes">The piece; not used after the return.</param>
    /// <param name="cancellationToken">Must be cancelled with the run.</param>
    /// <exception cref="OperationCanceledException">As for <see cref="StartAsync"/>.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>The whole answer was written: what stands as <see cref="ExecutionOutcome.Result"/>.</summary>
    InvocationResult End();
}

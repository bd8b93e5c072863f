using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging;

/// <summary>
/// The gateway's end of an answer that comes in pieces. One call at a time, in order, and none after the call's task has ended. What it
/// throws ends the call as if its caller had left.
/// </summary>
public interface IAnswerSink
{
    /// <summary>The answer begins.</summary>
    /// <param name="head">
    /// Status, header fields and content type without a body, and the times known so far. It says nothing yet about how the run ends.
    /// </param>
    /// <param name="cancellationToken">Cancelled when the call has ended otherwise.</param>
    /// <returns>Null, or why this answer cannot be passed on: the call ends so, and the run is killed.</returns>
    ValueTask<ErrorCode?> StartAsync(InvocationReply head, CancellationToken cancellationToken);

    /// <summary>A piece of the body. The worker sends more only as this returns.</summary>
    /// <param name="piece">Not empty.</param>
    /// <param name="cancellationToken">Cancelled when the call has ended otherwise.</param>
    ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken);
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging;

/// <summary>
/// The worker's end of an answer that goes to its caller in pieces. One writer at a time. It ends with the reply of its delivery, which
/// says how many pieces there were. Disposing forgets it, whether or not it ended.
/// </summary>
public interface IAnswerStream : IDisposable
{
    /// <summary>Sends the head; its body is the first piece and may be empty.</summary>
    /// <param name="head">What is known before the run has ended.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">Nobody takes the answer any more, which was said before, or the token was cancelled.</exception>
    ValueTask StartAsync(InvocationReply head, CancellationToken cancellationToken);

    /// <summary>Sends a piece, of any size, as soon as the gateway has room for it.</summary>
    /// <param name="bytes">Not used after the return.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">As for <see cref="StartAsync"/>.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging;

/// <summary>The gateway's side of the invocation path.</summary>
public interface IInvocationSender
{
    /// <summary>
    /// Sends a synchronous invocation and waits for its answer until the message's deadline plus <paramref name="runLimit"/>.
    /// Never throws for what a broker or a worker can do wrong.
    /// </summary>
    /// <param name="message">A synchronous invocation.</param>
    /// <param name="runLimit">The longest that init and run may take once started.</param>
    /// <param name="sink">
    /// Takes an answer that comes in pieces; null if the caller takes it only whole. If it was started, a reply without an error says that
    /// all pieces were passed on, and anything else that the answer is not whole.
    /// </param>
    /// <param name="cancellationToken">
    /// Ends the wait when the caller leaves; the outcome is then <see cref="ErrorCode.Cancelled"/>. A run whose answer has begun to come in
    /// pieces is killed.
    /// </param>
    Task<CallOutcome> CallAsync(InvocationMessage message, TimeSpan runLimit, IAnswerSink? sink, CancellationToken cancellationToken);

    /// <summary>Sends an asynchronous invocation; returns after the broker confirmed it (or the file was synced).</summary>
    /// <returns>Null when it is safe; else queue_full (the queue is at its limit) or broker_unavailable (not confirmed, or unroutable).</returns>
    Task<ErrorCode?> EnqueueAsync(InvocationMessage message, CancellationToken cancellationToken);

    /// <summary>How many asynchronous invocations wait in the function's queue, those that workers hold left out; null if that cannot be told now.</summary>
    Task<long?> CountWaitingAsync(Guid functionId, CancellationToken cancellationToken);

    /// <summary>Asks any worker with room to become warm for a function. A hint: it may be lost.</summary>
    Task WakeAsync(Guid functionId, CancellationToken cancellationToken);

    /// <summary>Makes the function's durable queue; does nothing if it is there.</summary>
    /// <exception cref="MessagingUnavailableException">The broker did not confirm it.</exception>
    Task DeclareFunctionAsync(Guid functionId, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the function's queues away: unbinds, hands every waiting message to <paramref name="drained"/>, deletes.
    /// A message is acknowledged after its callback returned.
    /// </summary>
    /// <exception cref="MessagingUnavailableException">The broker cannot be reached; call again.</exception>
    Task DeleteFunctionAsync(Guid functionId, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken);
}

/// <summary>Shorter forms.</summary>
public static class InvocationSenders
{
    /// <summary>As <see cref="IInvocationSender.CallAsync"/>, for a caller that takes the answer only whole.</summary>
    public static Task<CallOutcome> CallAsync(this IInvocationSender sender, InvocationMessage message, TimeSpan runLimit, CancellationToken cancellationToken) =>
        sender.CallAsync(message, runLimit, sink: null, cancellationToken);
}

/// <summary>How a synchronous call ended. Exactly one of reply and error is set.</summary>
public sealed record CallOutcome
{
    /// <summary>The worker's answer, good or bad.</summary>
    public InvocationReply? Reply { get; init; }

    /// <summary>Why there is none: wait_timeout, worker_lost, no_capacity, broker_unavailable or cancelled.</summary>
    public ErrorCode? Error { get; init; }

    /// <summary>True if the call was certainly not sent, so that nobody runs it.</summary>
    public bool WasNotSent { get; init; }

    /// <summary>The worker that said it started the run; null if none did.</summary>
    public string? StartedOn { get; init; }
}

/// <summary>The broker cannot be reached or did not confirm in time.</summary>
public sealed class MessagingUnavailableException : Exception
{
    /// <summary>Makes the exception.</summary>
    public MessagingUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging;

/// <summary>
/// One delivery. It is settled once, by <see cref="AckAsync"/>, <see cref="SpillAsync"/> or <see cref="ReturnAsync"/>; further
/// calls do nothing. Settling a delivery whose connection is gone does nothing: it comes again.
/// </summary>
public interface IDelivery
{
    /// <summary>The function that is asked for.</summary>
    Guid FunctionId { get; }

    /// <summary>The invocation; null for a wake. Its body is a copy and stays valid.</summary>
    InvocationMessage? Message { get; }

    /// <summary>True if it came from the cold queue.</summary>
    bool IsCold { get; }

    /// <summary>True if the broker delivered it before: its outcome may be recorded already.</summary>
    bool Redelivered { get; }

    /// <summary>How many workers handed it back as too large for them.</summary>
    int Refusals { get; }

    /// <summary>Done with it.</summary>
    ValueTask AckAsync();

    /// <summary>A synchronous call that found no free slot: to the cold queue. An asynchronous one goes back to its queue.</summary>
    ValueTask SpillAsync();

    /// <summary>Back to where it came from, for another worker or a later time.</summary>
    /// <param name="refused">True if it is too large for this worker: counted in <see cref="Refusals"/>.</param>
    ValueTask ReturnAsync(bool refused = false);

    /// <summary>Tells the waiting gateway that the run started here, so that it can watch this worker. Nothing for asynchronous ones. Never throws.</summary>
    ValueTask SendStartedAsync();

    /// <summary>
    /// Opens the way for an answer in pieces; null if nobody waits, or if whoever waits takes it only whole. Once it is started, the reply
    /// ends it and has no body of its own.
    /// </summary>
    /// <param name="onRefused">
    /// Called at most once, from any thread, when nobody takes the answer any more: <see cref="ErrorCode.CallerLeft"/>, or
    /// <see cref="ErrorCode.InvalidResponse"/> if its head cannot be passed on. The run is to be killed.
    /// </param>
    IAnswerStream? OpenAnswer(Action<ErrorCode> onRefused);

    /// <summary>Answers the waiting gateway. Nothing for asynchronous ones. Never throws: a caller that cannot be reached has its own deadline.</summary>
    ValueTask SendReplyAsync(InvocationReply reply);
}

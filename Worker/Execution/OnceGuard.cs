using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Keeps asynchronous invocations of functions with <c>retries: never</c> from running twice: the start is committed before the run, so
/// that whoever gets the message again sees it, whatever became of the worker that had it.
/// </summary>
internal sealed class OnceGuard(IInvocationStore invocations, IOptions<MessagingOptions> messaging, TimeProvider time, ILogger<OnceGuard> logger)
{
    private static readonly TimeSpan StorePause = TimeSpan.FromMilliseconds(250);

    /// <summary>How an attempt is recorded that was started and whose end nobody recorded.</summary>
    public static InvocationError Lost { get; } = new()
    {
        Code = ErrorCode.WorkerLost,
        Message = "It was started, and its worker died or was cut off before it recorded an end; whether the function did its work is not known. With 'retries: never' it is not run again.",
    };

    /// <summary>Whether an invocation must not run twice.</summary>
    public static bool Applies(FunctionRevision? revision, InvocationMessage message) =>
        message.Kind == InvocationKind.Asynchronous && revision?.Manifest.Retries.AtMostOnce == true;

    /// <summary>Commits the start. While the store is away nothing starts: it asks until the store is back.</summary>
    public async Task<StartOutcome> StartAsync(FunctionRevision revision, InvocationMessage message, CancellationToken cancellationToken)
    {
        // The same time for every try, by which the store knows a mark of this worker whose commit was not confirmed.
        var startedAt = time.GetUtcNow();
        while (true)
        {
            try
            {
                return await invocations.StartOnceAsync(message, revision.Manifest.Name, messaging.Value.NodeId, startedAt, cancellationToken);
            }
            catch (StoreUnavailableException exception)
            {
                Log.StoreAway(logger, exception);
                await Task.Delay(StorePause, time, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Whether a message of an attempt that was started before has to be ended as lost. Only a redelivery tells that its worker is gone: a
    /// copy that was published twice comes while the first one may still run.
    /// </summary>
    public static bool IsLost(StartOutcome start, IDelivery delivery) => start == StartOutcome.StartedBefore && delivery.Redelivered;

    /// <summary>Whether a message that is too old had been started.</summary>
    public async Task<bool> WasStartedAsync(FunctionRevision revision, IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken) =>
        Applies(revision, message) && delivery.Redelivered && await invocations.CountStartsAsync(message.InvocationId, message.Attempt, cancellationToken) > 0;
}

using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Worker.Telemetry;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Execution;

/// <summary>Decides whether a delivery may run.</summary>
internal sealed class Admission(
    Completion completion,
    IInvocationStore invocations,
    RevisionCache revisions,
    CancelledInvocations cancelled,
    OnceGuard once,
    WorkerMetrics metrics,
    IOptions<MessagingOptions> messaging,
    TimeProvider time,
    ILogger<Admission> logger)
{
    private static readonly TimeSpan StorePause = TimeSpan.FromMilliseconds(250);

    private readonly string workerId = messaging.Value.NodeId;

    /// <summary>
    /// Whether a delivery may run. False: it was settled here, because its caller has left, it is too old, or its outcome is
    /// recorded already.
    /// </summary>
    public async ValueTask<bool> AdmitAsync(IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken)
    {
        if (cancelled.Contains(message.InvocationId))
        {
            // Recorded as cancelled before anybody heard of it.
            await completion.RefuseAsync(delivery, message, CancelledInvocations.Error);
            return false;
        }

        if (time.GetUtcNow() >= message.Deadline)
        {
            await EndUnstartedAsync(delivery, message, cancellationToken);
            return false;
        }

        // What is older than this worker may have been cancelled before it could hear of it.
        return message.Kind == InvocationKind.Synchronous
            || (!delivery.Redelivered && message.AcceptedAt >= cancelled.HeardSince)
            || await AdmitRecordedAsync(delivery, message, cancellationToken);
    }

    private async Task EndUnstartedAsync(IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken)
    {
        if (message.Kind == InvocationKind.Synchronous)
        {
            // The gateway answered its caller when the deadline passed.
            metrics.CallerGone();
            await delivery.AckAsync();
            return;
        }

        if (await revisions.FindAsync(message.FunctionId, message.Revision, cancellationToken) is not { } revision)
        {
            Log.UnknownRevision(logger, message.FunctionId, message.Revision);
            await delivery.AckAsync();
            return;
        }

        var error = await once.WasStartedAsync(revision, delivery, message, cancellationToken) ? OnceGuard.Lost : new InvocationError
        {
            Code = ErrorCode.Expired,
            Message = $"It was not started before {message.Deadline:O}, the end of its maximum age of {revision.Manifest.Retries.MaximumAge}.",
        };
        await completion.EndUnrunAsync(revision, delivery, message, error);
    }

    private async ValueTask<bool> AdmitRecordedAsync(IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (await invocations.FindOutcomeAsync(message.InvocationId, message.Attempt, cancellationToken) is not null)
                {
                    await delivery.AckAsync();
                    return false;
                }

                if (!delivery.Redelivered)
                {
                    return true;
                }

                var revision = await revisions.FindAsync(message.FunctionId, message.Revision, cancellationToken);
                if (OnceGuard.Applies(revision, message))
                {
                    // Marked right before its run: a mark here would say that it was started.
                    return true;
                }

                await invocations.MarkStartedAsync(message, revision?.Manifest.Name ?? "", workerId, cancellationToken);
                return true;
            }
            catch (StoreUnavailableException exception)
            {
                Log.StoreAway(logger, exception);
                await Task.Delay(StorePause, time, cancellationToken);
            }
        }
    }
}

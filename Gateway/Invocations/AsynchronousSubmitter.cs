using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Conservation;
using FaasCluster.Gateway.Delays;
using FaasCluster.Gateway.Idempotency;
using FaasCluster.Gateway.Problems;
using FaasCluster.Gateway.Telemetry;
using FaasCluster.Messaging;
using FaasCluster.Storage.Idempotency;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Packages;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Accepts an invocation: 202 only after it is safe in its queue.</summary>
internal sealed class AsynchronousSubmitter(
    IInvocationSender sender,
    IPayloadStore payloads,
    IAcceptedWriter accepted,
    QueueRepair repair,
    Waker waker,
    AdmissionGate gate,
    QueueGauge gauge,
    IdempotencyGate idempotency,
    DelayedInvocations delayed,
    ConservationMetrics metrics,
    TimeProvider time)
{
    public async Task SubmitAsync(HttpContext context, FunctionRevision revision, TriggerKind trigger, RequestTerms terms, Uri? callback)
    {
        using var admitted = gate.TryEnter(context.Request, Limits.AsynchronousPayloadBytes);
        if (!admitted.IsEntered)
        {
            await AdmissionGate.Refusal.ExecuteAsync(context);
            return;
        }

        if (await RequestBody.ReadAsync(context, Limits.AsynchronousPayloadBytes) is not { } body)
        {
            await RequestBody.TooLarge(Limits.AsynchronousPayloadBytes).ExecuteAsync(context);
            return;
        }

        // 1. Was it sent before?
        using var activity = GatewayActivities.StartPublish(revision, InvocationKind.Asynchronous);
        var message = InvocationMessages.Make(context, revision, InvocationKind.Asynchronous, trigger, body, time, terms.Due) with { Callback = callback };
        IdempotencyClaim? claim = null;
        if (terms.Key is { } key)
        {
            var verdict = await idempotency.EnterAsync(idempotency.Claim(context, revision, message, key), context.RequestAborted);
            message = message with { InvocationId = verdict.InvocationId };
            claim = verdict.Claim;
            if (claim is null)
            {
                activity.Describe(message.InvocationId, null);
                await RepeatedAnswer.WriteAsync(context, message, verdict);
                return;
            }
        }

        if (terms.Due is not null)
        {
            await SubmitLaterAsync(context, revision, message, claim);
            activity.Describe(message.InvocationId, null);
            return;
        }

        // 2. Is there a place in the queue?
        using var place = await gauge.TryEnterAsync(revision, context.RequestAborted);
        if (place is null)
        {
            activity.Describe(message.InvocationId, ErrorCode.QueueFull);
            await RefuseAsync(context, revision, message, claim, ErrorCode.QueueFull);
            return;
        }

        // 3. A large event is kept first: a message that refers to it must find it.
        message = await KeepLargeAsync(message, context.RequestAborted);

#if FAULTS
        FaasCluster.Messaging.Hosting.CrashPoint.Pass("before-publish");
#endif

        // 4. The queue. The caller's leaving does not end it: the sender has a limit of its own.
        var refusal = await sender.EnqueueAsync(message, CancellationToken.None);
        activity.Describe(message.InvocationId, refusal);
        if (refusal is { } error)
        {
            await RefuseAsync(context, revision, message, claim, error);
            return;
        }

        place.Take();
#if FAULTS
        FaasCluster.Messaging.Hosting.CrashPoint.Pass("after-confirm");
#endif

        // 5. The row, in a group behind the answer. A full buffer makes this wait: never a 202 that nobody can be asked about.
        var row = new AcceptedInvocation { Message = message with { Body = default }, FunctionName = revision.Manifest.Name };
        await accepted.AddAsync(row, CancellationToken.None);
        metrics.Accepted(revision.Manifest.Name);
        waker.WakeIfCold(revision.FunctionId);
        await idempotency.ConfirmAsync(claim);
        await AcceptedAnswer.WriteAsync(context, message);
    }

    private async Task SubmitLaterAsync(HttpContext context, FunctionRevision revision, InvocationMessage message, IdempotencyClaim? claim)
    {
        message = await KeepLargeAsync(message, context.RequestAborted);
        if (!await delayed.AcceptAsync(revision, message))
        {
            await idempotency.ReleaseAsync(claim);
            await ProblemAnswer.NoFunction(revision.Manifest.Name).ExecuteAsync(context);
            return;
        }

        metrics.Accepted(revision.Manifest.Name);
        await idempotency.ConfirmAsync(claim);
        await AcceptedAnswer.WriteAsync(context, message);
    }

    private async Task<InvocationMessage> KeepLargeAsync(InvocationMessage message, CancellationToken cancellationToken)
    {
        if (message.Body.Length <= Limits.InlinePayloadBytes)
        {
            return message;
        }

        await payloads.PutAsync(message.InvocationId, message.Body, cancellationToken);
        return message with { BodyIsStored = true, Body = default };
    }

    private static string LimitOf(FunctionRevision revision) =>
        revision.Manifest.QueueLimit is { } limit ? $" (queueLimit: {limit} in function.yaml, or the broker's)" : "";

    private async Task RefuseAsync(HttpContext context, FunctionRevision revision, InvocationMessage message, IdempotencyClaim? claim, ErrorCode error)
    {
        // A full queue has not taken it. A broker that does not answer may have.
        await (error == ErrorCode.QueueFull ? idempotency.ReleaseAsync(claim) : idempotency.GiveUpAsync(claim));
        if (error == ErrorCode.BrokerUnavailable && await repair.TryAsync(revision, context.RequestAborted) == QueueState.FunctionDeleted)
        {
            await ProblemAnswer.NoFunction(revision.Manifest.Name).ExecuteAsync(context);
            return;
        }

        var text = error == ErrorCode.QueueFull
            ? $"The queue of {revision.Manifest.Name} is at its limit{LimitOf(revision)}; nothing was accepted. Try again when workers have caught up, or add workers."
            : "The invocation was not accepted; try again.";
        await AnswerWriter.FailAsync(context, message, new InvocationError { Code = error, Message = text });
    }
}

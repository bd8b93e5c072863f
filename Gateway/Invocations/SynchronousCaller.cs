using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Idempotency;
using FaasCluster.Gateway.Telemetry;
using FaasCluster.Messaging;
using FaasCluster.Storage.Idempotency;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Calls a function while its caller waits: at most once, and with a definite answer.</summary>
internal sealed class SynchronousCaller(
    IInvocationSender sender,
    ICompletionWriter completions,
    EndRecords records,
    InFlightCalls inFlight,
    AdmissionGate gate,
    IdempotencyGate idempotency,
    IOptions<GatewayOptions> options,
    TimeProvider time,
    ILogger<SynchronousCaller> logger)
{
    private readonly TimeSpan margin = options.Value.AnswerMargin;

    public async Task CallAsync(HttpContext context, FunctionRevision revision, TriggerKind trigger, RequestTerms terms)
    {
        using var place = gate.TryEnter(context.Request, Limits.SynchronousPayloadBytes);
        if (!place.IsEntered)
        {
            await AdmissionGate.Refusal.ExecuteAsync(context);
            return;
        }

        if (await RequestBody.ReadAsync(context, Limits.SynchronousPayloadBytes) is not { } body)
        {
            await RequestBody.TooLarge(Limits.SynchronousPayloadBytes).ExecuteAsync(context);
            return;
        }

        using var activity = GatewayActivities.StartPublish(revision, InvocationKind.Synchronous);
        var message = InvocationMessages.Make(context, revision, InvocationKind.Synchronous, trigger, body, time);
        IdempotencyClaim? claim = null;
        if (terms.Key is { } key)
        {
            var verdict = await idempotency.EnterCallAsync(idempotency.Claim(context, revision, message, key), context.RequestAborted);
            claim = verdict.Claim;
            if (claim is null)
            {
                activity.Describe(verdict.InvocationId, null);
                await RepeatedAnswer.WriteAsync(context, message, verdict);
                return;
            }

            message = message with { KeepsAnswer = true };
        }

        // An answer that may be asked for again is kept, and so has to come whole.
        var streamed = message.KeepsAnswer ? null : new StreamedAnswer(context, message);
        var outcome = await CallAsync(message, revision.Manifest, streamed, context.RequestAborted);

        activity.Describe(message.InvocationId, outcome.Error ?? outcome.Reply?.Error?.Code);
        if (NothingRan(outcome))
        {
            await idempotency.ReleaseAsync(claim);
        }

        if (outcome.Error == ErrorCode.WorkerLost)
        {
            await RecordLostAsync(message, revision, outcome.StartedOn);
        }

        if (streamed is { HasStarted: true })
        {
            await streamed.EndAsync(outcome);
        }
        else if (outcome.Reply is { } reply)
        {
            await AnswerWriter.WriteAsync(context, message, reply);
        }
        else if (!context.RequestAborted.IsCancellationRequested)
        {
            var code = outcome.Error ?? ErrorCode.Internal;
            var text = code == ErrorCode.InvalidResponse && streamed?.Refusal is { } refusal ? refusal : Explain(code, revision, outcome.StartedOn);
            await AnswerWriter.FailAsync(context, message, new InvocationError { Code = code, Message = text });
        }
    }

    private async Task<CallOutcome> CallAsync(InvocationMessage message, FunctionManifest manifest, StreamedAnswer? streamed, CancellationToken leaving)
    {
        var call = inFlight.Begin(message, manifest.Name, leaving);
        CallOutcome? outcome = null;
        try
        {
            return outcome = await sender.CallAsync(message, manifest.InitTimeout + manifest.Timeout + margin, streamed, call.Token);
        }
        finally
        {
            if (streamed is { HasStarted: true } && outcome?.Reply is null)
            {
                // Its caller knows its id, and its worker is about to kill and to record it.
                _ = inFlight.EndLaterAsync(call, margin);
            }
            else
            {
                call.Dispose();
            }
        }
    }

    // Certain, so that the same request may be carried out when it is sent again. After any other failure it may have run.
    private static bool NothingRan(CallOutcome outcome) =>
        outcome.WasNotSent || (outcome.Error ?? outcome.Reply?.Error?.Code) is ErrorCode.NoCapacity or ErrorCode.Throttled;

    // The worker is gone, so nobody else records what became of the call.
    private async Task RecordLostAsync(InvocationMessage message, FunctionRevision revision, string? workerId)
    {
        var manifest = revision.Manifest;
        Log.WorkerLost(logger, message.InvocationId, manifest.Name, workerId);
        var text = $"Worker {workerId ?? "(unknown)"} died while it ran the function; whether the function did its work is not known.";
        var record = records.Make(message, manifest.Name, manifest.MemoryBytes, InvocationState.Lost, ErrorCode.WorkerLost, text);
        using var patience = new CancellationTokenSource(options.Value.RecordTimeout, time);
        try
        {
            await completions.WriteAsync(record, patience.Token);
        }
        catch (OperationCanceledException)
        {
            // Ends the wait only: the record is still written.
        }
        catch (Exception exception)
        {
            Log.LostNotRecorded(logger, message.InvocationId, manifest.Name, exception);
        }
    }

    private static string Explain(ErrorCode code, FunctionRevision revision, string? startedOn) => code switch
    {
        ErrorCode.WaitTimeout when startedOn is not null =>
            $"Worker {startedOn} started the call and did not answer in the time that init and run may take; ask for the invocation's record.",
        ErrorCode.WaitTimeout => $"No worker answered within {revision.Manifest.WaitTimeout.TotalSeconds:0.###} s (waitTimeout); add workers, or call with 'Prefer: respond-async'.",
        ErrorCode.NoCapacity => $"No worker has {revision.Manifest.MemoryBytes >> 20} MB for the function; add workers or memory.",
        ErrorCode.WorkerLost => "The worker died while it ran the function; whether the function did its work is not known. The call was not repeated.",
        ErrorCode.Cancelled => "The invocation was cancelled while its caller waited.",
        ErrorCode.BrokerUnavailable when startedOn is not null => "The connection to the broker was lost while the function ran; whether it did its work is not known. Ask for the invocation's record.",
        ErrorCode.BrokerUnavailable => "The call was not sent; try again.",
        _ => code.Describe().Title,
    };
}

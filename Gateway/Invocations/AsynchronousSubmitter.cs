using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Conservation;
using FaasCluster.Gateway.Problems;
using FaasCluster.Gateway.Telemetry;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Packages;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Accepts an invocation: 202 only after it is safe in its queue.</summary>
internal sealed class AsynchronousSubmitter(
    IInvocationSender sender, IPayloadStore payloads, IAcceptedWriter accepted, QueueRepair repair, Waker waker, AdmissionGate gate, QueueGauge gauge,
    ConservationMetrics metrics, TimeProvider time)
{
    public async Task SubmitAsync(HttpContext context, FunctionRevision revision, TriggerKind trigger, Uri? callback)
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

        // 1. Is there a place in the queue?
        using var activity = GatewayActivities.StartPublish(revision, InvocationKind.Asynchronous);
        var message = InvocationMessages.Make(context, revision, InvocationKind.Asynchronous, trigger, body, time) with { Callback = callback };
        using var place = await gauge.TryEnterAsync(revision, context.RequestAborted);
        if (place is null)
        {
            activity.Describe(message.InvocationId, ErrorCode.QueueFull);
            await RefuseAsync(context, revision, message, ErrorCode.QueueFull);
            return;
        }

        // 2. A large event is kept first: a message that refers to it must find it.
        if (body.Length > Limits.InlinePayloadBytes)
        {
            await payloads.PutAsync(message.InvocationId, body, context.RequestAborted);
            message = message with { BodyIsStored = true, Body = default };
        }

#if FAULTS
        FaasCluster.Messaging.Hosting.CrashPoint.Pass("before-publish");
#endif

        // 3. The queue. The caller's leaving does not end it: the sender has a limit of its own.
        var refusal = await sender.EnqueueAsync(message, CancellationToken.None);
        activity.Describe(message.InvocationId, refusal);
        if (refusal is { } error)
        {
            await RefuseAsync(context, revision, message, error);
            return;
        }

        place.Take();
#if FAULTS
        FaasCluster.Messaging.Hosting.CrashPoint.Pass("after-confirm");
#endif

        // 4. The row, in a group behind the answer. A full buffer makes this wait: never a 202 that nobody can be asked about.
        var row = new AcceptedInvocation { Message = message with { Body = default }, FunctionName = revision.Manifest.Name };
        await accepted.AddAsync(row, CancellationToken.None);
        metrics.Accepted(revision.Manifest.Name);
        waker.WakeIfCold(revision.FunctionId);
        await AcceptAsync(context, message);
    }

    private static string LimitOf(FunctionRevision revision) =>
        revision.Manifest.QueueLimit is { } limit ? $" (queueLimit: {limit} in function.yaml, or the broker's)" : "";

    private static async Task AcceptAsync(HttpContext context, InvocationMessage message)
    {
        var id = message.InvocationId.ToString();
        var location = $"/api/invocations/{id}";
        var response = context.Response;
        response.StatusCode = StatusCodes.Status202Accepted;
        response.Headers[HeaderNames.InvocationId] = id;
        response.Headers.Location = location;
        response.Headers["Preference-Applied"] = Preference.RespondAsync;
        response.Headers.TraceParent = message.TraceParent;
        response.ContentType = "application/json";
        var description = new AcceptedDescription { Id = message.InvocationId, Location = location };
        var body = JsonSerializer.SerializeToUtf8Bytes(description, ApiJson.Default.AcceptedDescription);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private async Task RefuseAsync(HttpContext context, FunctionRevision revision, InvocationMessage message, ErrorCode error)
    {
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

using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Makes the first attempt of an invocation.</summary>
internal static class InvocationMessages
{
    public static InvocationMessage Make(
        HttpContext context, FunctionRevision revision, InvocationKind kind, TriggerKind trigger, ReadOnlyMemory<byte> body, TimeProvider time, DateTimeOffset? due = null)
    {
        var now = time.GetUtcNow();
        var patience = kind == InvocationKind.Synchronous ? revision.Manifest.WaitTimeout : revision.Manifest.Retries.MaximumAge;
        return new InvocationMessage
        {
            InvocationId = Guid.CreateVersion7(now),
            FunctionId = revision.FunctionId,
            Revision = revision.Revision,
            AccountId = revision.AccountId,
            Kind = kind,
            Trigger = trigger,
            AcceptedAt = now,
            DueAt = due ?? now,
            Deadline = (due ?? now) + patience,
            TraceParent = TraceContext.Of(context),
            ContentType = context.Request.ContentType,
            Http = trigger == TriggerKind.Http ? HttpEvents.Make(context, revision.Manifest.Name) : null,
            Body = body,
        };
    }
}

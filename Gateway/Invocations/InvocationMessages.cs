using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Makes messages of requests and of rows.</summary>
internal static class InvocationMessages
{
    /// <summary>The first attempt of a new invocation.</summary>
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

    /// <summary>What is known of an invocation's message by its row: all but its body, its trace and its request.</summary>
    public static InvocationMessage Of(InvocationSummary row) => new()
    {
        InvocationId = row.InvocationId,
        FunctionId = row.FunctionId,
        Revision = row.Revision,
        AccountId = row.AccountId,
        Attempt = row.Attempt,
        Kind = row.Kind,
        Trigger = row.Trigger,
        AcceptedAt = row.AcceptedAt,
        DueAt = row.DueAt,
        Deadline = row.Deadline,
        BodyIsStored = row.BodyIsStored,
        Depth = row.Depth,
        CausedBy = row.CausedBy,
        Callback = row.Callback,
        SuppressDestinations = row.SuppressDestinations,
        Body = default,
    };
}

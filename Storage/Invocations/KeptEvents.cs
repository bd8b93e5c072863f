using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Invocations;

/// <summary>Which events stay when their invocation has ended.</summary>
internal static class KeptEvents
{
    // Every success may keep its event, so what the row says anyway is left out: mostly only the content type remains.
    private static readonly JsonSerializerOptions Sparse = new(Stored.Json)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RequireNothing } },
    };

    /// <summary>
    /// Whether a record keeps its event: at an end, of asynchronous invocations only (the caller of a synchronous one has its event and
    /// its answer), whole after a failure, small ones after any other end. What a deleted function leaves can run nowhere.
    /// </summary>
    public static bool Keeps(AttemptRecord record)
    {
        if (!record.HasEvent || !record.State.IsTerminal() || record.Message.Kind != InvocationKind.Asynchronous)
        {
            return false;
        }

        return IsDead(record.State)
            || (record.KeepsEventOfSuccess
                && record.Error?.Code != ErrorCode.FunctionDeleted
                && !record.Message.BodyIsStored
                && record.Message.Body.Length <= Limits.KeptEventBytes);
    }

    /// <summary>Whether an asynchronous invocation that ends like this becomes a dead letter.</summary>
    public static bool IsDead(InvocationState state) => state is InvocationState.Failed or InvocationState.Expired or InvocationState.Lost;

    /// <summary>What a row of invocations does not say of its message.</summary>
    public static string Write(InvocationMessage message) => JsonSerializer.Serialize(
        message with
        {
            InvocationId = default,
            FunctionId = default,
            Revision = default,
            AccountId = null!,
            Attempt = default,
            Failures = default,
            Kind = default,
            Trigger = default,
            AcceptedAt = default,
            DueAt = default,
            Deadline = default,
            TraceParent = null,
            KeepsAnswer = false,
            BodyIsStored = false,
            SuppressDestinations = false,
            Depth = default,
            CausedBy = null,
            Callback = null,
            Body = default,
        },
        Sparse);

    /// <summary>The message of a row, put together again; without its body and its trace.</summary>
    public static InvocationMessage Read(InvocationMessage row, string written) => JsonSerializer.Deserialize<InvocationMessage>(written, Sparse)! with
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
        SuppressDestinations = row.SuppressDestinations,
        Depth = row.Depth,
        CausedBy = row.CausedBy,
        Callback = row.Callback,
    };

    private static void RequireNothing(JsonTypeInfo type)
    {
        if (type.Type == typeof(InvocationMessage))
        {
            foreach (var property in type.Properties)
            {
                property.IsRequired = false;
            }
        }
    }
}

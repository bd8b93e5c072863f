using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Dispatches;

/// <summary>What follows from the end of an invocation for others, and the columns in which it travels to the store.</summary>
internal static class DispatchPlan
{
    public static readonly RowSet<Dispatch> Rows = new(
        Column("invocation_id", "uuid", d => d.InvocationId),
        Column("kind", "text", d => d.Kind.ToWire()),
        Column("dispatch_id", "uuid", d => d.DispatchId),
        Column("account_id", "text", d => Stored.Text(d.AccountId)),
        Column("function_name", "text", d => Stored.Text(d.FunctionName)),
        Column("depth", "integer", d => d.Depth),
        Column("target", "text", d => Stored.Text(d.Target)),
        Column("exchange", "text", d => Stored.Text(d.Exchange)),
        Column("routing_key", "text", d => Stored.Text(d.RoutingKey)),
        Column("outcome", "text", d => d.Outcome.ToWire()),
        Column("error_code", "text", d => d.ErrorCode?.ToWire()),
        Column("content_type", "text", d => Stored.Text(d.ContentType, 256)),
        Column("trace_parent", "text", d => d.TraceParent is { } trace ? Stored.Text(trace, 256) : null),
        Column("body", "bytea", d => Stored.Bytes(d.Body)),
        Column("created_at", "timestamptz", d => Stored.Time(d.CreatedAt)),
        Column("due_at", "timestamptz", d => Stored.Time(d.DueAt)));

    public static string Add(string source) =>
        $"""
        INSERT INTO dispatches (
            invocation_id, kind, dispatch_id, account_id, function_name, depth, target, exchange, routing_key,
            outcome, error_code, content_type, trace_parent, body, state, attempts, created_at, began_at, due_at)
        SELECT
            invocation_id, kind, dispatch_id, account_id, function_name, depth, target, exchange, routing_key,
            outcome, error_code, content_type, trace_parent, body, 'waiting', 0, created_at, created_at, due_at
        FROM {source} WHERE true
        ON CONFLICT (invocation_id, kind) DO NOTHING
        """;

    /// <summary>Whether anything follows. Asked for every record, so it makes nothing.</summary>
    public static bool Follow(AttemptRecord record) => record.Message is { Kind: InvocationKind.Asynchronous, SuppressDestinations: false }
        && record.State.IsTerminal() && (record.Message.Callback is not null || DestinationOf(record) is not null);

    /// <summary>What follows from the ends among the records.</summary>
    public static IEnumerable<Dispatch> After(AttemptRecord record)
    {
        if (!Follow(record))
        {
            yield break;
        }

        if (DestinationOf(record) is { } destination)
        {
            yield return Make(record, destination.Function is null ? DispatchKind.Queue : DispatchKind.Function) with
            {
                Target = destination.Function ?? destination.Connection!,
                Exchange = destination.Exchange,
                RoutingKey = destination.RoutingKey,
                ContentType = DestinationRecord.ContentType,
                Body = DestinationRecord.Write(record),
            };
        }

        if (record.Message.Callback is { } callback)
        {
            yield return Make(record, DispatchKind.Callback) with
            {
                Target = callback.AbsoluteUri,
                ContentType = record.Error is null ? record.Result?.ContentType ?? "application/octet-stream" : DestinationRecord.ContentType,
                Body = record.Error is { } error ? DestinationRecord.WriteError(error) : record.Result?.Body ?? default,
            };
        }
    }

    // Cancelled on request: whoever asked for it knows, as in Lambda, which has no record for it either.
    private static Destination? DestinationOf(AttemptRecord record) => record.State switch
    {
        InvocationState.Succeeded => record.OnSuccess,
        InvocationState.Failed or InvocationState.Expired or InvocationState.Lost => record.OnFailure,
        _ => null,
    };

    private static Dispatch Make(AttemptRecord record, DispatchKind kind) => new()
    {
        InvocationId = record.Message.InvocationId,
        Kind = kind,
        DispatchId = Uuid7.Derive(record.EndedAt, record.Message.InvocationId, kind.ToWire()),
        AccountId = record.Message.AccountId,
        FunctionName = record.FunctionName,
        Depth = record.Message.Depth,
        Target = "",
        Outcome = record.State,
        ErrorCode = record.Error?.Code,
        ContentType = "",
        TraceParent = record.Message.TraceParent,
        Body = default,
        CreatedAt = record.EndedAt,
        DueAt = record.EndedAt,
    };

    private static RowSet<Dispatch>.Column<TValue> Column<TValue>(string name, string type, Func<Dispatch, TValue> get) => new(name, type, get);
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Dispatches;

/// <summary>A row of dispatches as it is read.</summary>
internal sealed class DispatchRow
{
    public const string Columns =
        """
        invocation_id, kind, dispatch_id, account_id, function_name, depth, target, exchange, routing_key,
        outcome, error_code, content_type, trace_parent, state, attempts, created_at, began_at, due_at, ended_at, last_error
        """;

    public Guid InvocationId { get; init; }

    public string Kind { get; init; } = "";

    public Guid DispatchId { get; init; }

    public string AccountId { get; init; } = "";

    public string FunctionName { get; init; } = "";

    public int Depth { get; init; }

    public string Target { get; init; } = "";

    public string Exchange { get; init; } = "";

    public string RoutingKey { get; init; } = "";

    public string Outcome { get; init; } = "";

    public string? ErrorCode { get; init; }

    public string ContentType { get; init; } = "";

    public string? TraceParent { get; init; }

    public string State { get; init; } = "";

    public int Attempts { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset BeganAt { get; init; }

    public DateTimeOffset DueAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public string? LastError { get; init; }

    public byte[]? Body { get; init; }

    public Dispatch ToDispatch() => new()
    {
        InvocationId = InvocationId,
        Kind = DispatchNames.ParseKind(Kind),
        DispatchId = DispatchId,
        AccountId = AccountId,
        FunctionName = FunctionName,
        Depth = Depth,
        Target = Target,
        Exchange = Exchange,
        RoutingKey = RoutingKey,
        Outcome = InvocationStates.Parse(Outcome),
        ErrorCode = ErrorCode is null ? null : ErrorCodes.Parse(ErrorCode),
        ContentType = ContentType,
        TraceParent = TraceParent,
        Body = Body,
        State = DispatchNames.ParseState(State),
        Attempts = Attempts,
        CreatedAt = CreatedAt,
        BeganAt = BeganAt,
        DueAt = DueAt,
        EndedAt = EndedAt,
        LastError = LastError,
    };
}

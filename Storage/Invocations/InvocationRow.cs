using System.Text.Json;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Invocations;

/// <summary>A row of invocations as it is read.</summary>
internal class InvocationRow
{
    public const string Columns =
        """
        invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, state, attempt,
        accepted_at, due_at, deadline, ended_at, body_is_stored, depth, caused_by, callback, suppress_destinations,
        error_code, error_type, error_message, redrive_of, replay_of
        """;

    public const string ResultColumns = "result_status, result_headers, result_content_type, result_body";

    /// <summary>The columns by the alias of their table.</summary>
    public static string ColumnsOf(string alias) =>
        string.Join(", ", Columns.Split(',', StringSplitOptions.TrimEntries).Select(column => $"{alias}.{column}"));

    public Guid InvocationId { get; init; }

    public string AccountId { get; init; } = "";

    public Guid FunctionId { get; init; }

    public string FunctionName { get; init; } = "";

    public int Revision { get; init; }

    public string Kind { get; init; } = "";

    public string TriggerKind { get; init; } = "";

    public string State { get; init; } = "";

    public int Attempt { get; init; }

    public DateTimeOffset AcceptedAt { get; init; }

    public DateTimeOffset DueAt { get; init; }

    public DateTimeOffset Deadline { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public bool BodyIsStored { get; init; }

    public int Depth { get; init; }

    public Guid? CausedBy { get; init; }

    public string? Callback { get; init; }

    public bool SuppressDestinations { get; init; }

    public string? ErrorCode { get; init; }

    public string? ErrorType { get; init; }

    public string? ErrorMessage { get; init; }

    public Guid? RedriveOf { get; init; }

    public Guid? ReplayOf { get; init; }

    public int? ResultStatus { get; init; }

    public string? ResultHeaders { get; init; }

    public string? ResultContentType { get; init; }

    public byte[]? ResultBody { get; init; }

    /// <summary>Of its revision, where the query asks for it.</summary>
    public string? Manifest { get; init; }

    public InvocationSummary ToSummary() => new()
    {
        InvocationId = InvocationId,
        AccountId = AccountId,
        FunctionId = FunctionId,
        FunctionName = FunctionName,
        Revision = Revision,
        Kind = InvocationKinds.ParseKind(Kind),
        Trigger = InvocationKinds.ParseTrigger(TriggerKind),
        State = InvocationStates.Parse(State),
        Attempt = Attempt,
        AcceptedAt = AcceptedAt,
        DueAt = DueAt,
        Deadline = Deadline,
        BodyIsStored = BodyIsStored,
        Depth = Depth,
        CausedBy = CausedBy,
        Callback = Callback is null ? null : new Uri(Callback, UriKind.Absolute),
        SuppressDestinations = SuppressDestinations,
        EndedAt = EndedAt,
        ErrorCode = ErrorCode is null ? null : ErrorCodes.Parse(ErrorCode),
        ErrorType = ErrorType,
        ErrorMessage = ErrorMessage,
        RedriveOf = RedriveOf,
        ReplayOf = ReplayOf,
    };

    public InvocationResult? ToResult() => ResultBody is null
        ? null
        : new InvocationResult
        {
            HttpStatus = ResultStatus,
            Headers = ResultHeaders is null ? [] : JsonSerializer.Deserialize<KeyValuePair<string, string>[]>(ResultHeaders, Stored.Json)!,
            ContentType = ResultContentType ?? "application/octet-stream",
            Body = ResultBody,
        };

    public InvocationMessage ToMessage() => new()
    {
        InvocationId = InvocationId,
        FunctionId = FunctionId,
        Revision = Revision,
        AccountId = AccountId,
        Attempt = Attempt,
        Kind = InvocationKinds.ParseKind(Kind),
        Trigger = InvocationKinds.ParseTrigger(TriggerKind),
        AcceptedAt = AcceptedAt,
        DueAt = DueAt,
        Deadline = Deadline,
        BodyIsStored = BodyIsStored,
        Depth = Depth,
        CausedBy = CausedBy,
        Callback = Callback is null ? null : new Uri(Callback, UriKind.Absolute),
        SuppressDestinations = SuppressDestinations,
        Body = default,
    };
}

using System.Text.Json;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.DeadLetters;

/// <summary>
/// The statements that make new invocations of old ones. Their bodies never leave the store: they are copied from row to row.
/// </summary>
internal static class RestartSql
{
    public static readonly RowSet<Row> Rows = new(
        Column("old_id", "uuid", row => row.Restart.Of),
        Column("new_id", "uuid", row => row.Restart.Message.InvocationId),
        Column("account_id", "text", row => Stored.Text(row.Restart.Message.AccountId)),
        Column("function_id", "uuid", row => row.Restart.Message.FunctionId),
        Column("function_name", "text", row => Stored.Text(row.Restart.FunctionName)),
        Column("revision", "integer", row => row.Restart.Message.Revision),
        Column("trigger_kind", "text", row => row.Restart.Message.Trigger.ToWire()),
        Column("accepted_at", "timestamptz", row => Stored.Time(row.Restart.Message.AcceptedAt)),
        Column("due_at", "timestamptz", row => Stored.Time(row.Restart.Message.DueAt)),
        Column("deadline", "timestamptz", row => Stored.Time(row.Restart.Message.Deadline)),
        Column("body_is_stored", "boolean", row => row.Restart.Message.BodyIsStored),
        Column("depth", "integer", row => row.Restart.Message.Depth),
        Column("caused_by", "uuid", row => row.Restart.Message.CausedBy),
        Column("callback", "text", row => row.Restart.Message.Callback is { } callback ? Stored.Text(callback.AbsoluteUri) : null),
        Column("suppress_destinations", "boolean", row => row.Restart.Message.SuppressDestinations),
        Column("message", "text", row => JsonSerializer.Serialize(row.Restart.Message with { Body = default }, Stored.Json)),
        Column("redrive_of", "uuid", row => row.IsRedrive ? row.Restart.Of : (Guid?)null),
        Column("replay_of", "uuid", row => row.IsRedrive ? (Guid?)null : row.Restart.Of),
        Column("now", "timestamptz", row => Stored.Time(row.Now)));

    /// <summary>Whether the event of a row of invocations is all there.</summary>
    public static string HasEvent(string row) =>
        $"""
        {row}.event_message IS NOT NULL
        AND (NOT {row}.body_is_stored OR EXISTS (SELECT 1 FROM payloads WHERE payloads.invocation_id = {row}.invocation_id))
        """;

    public static string SettleLetters(string source) =>
        $"""
        UPDATE dead_letters SET state = 'redriven', redriven_as = input.new_id, settled_at = input.now FROM {source}
        WHERE dead_letters.invocation_id = input.old_id
        """;

    public static string AddInvocations(string source) =>
        $"""
        INSERT INTO invocations (
            invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, state, attempt, recorded_attempt,
            accepted_at, due_at, deadline, body_is_stored, depth, caused_by, callback, suppress_destinations, redrive_of, replay_of)
        SELECT
            new_id, account_id, function_id, function_name, revision, 'asynchronous', trigger_kind, 'queued', 1, 0,
            accepted_at, due_at, deadline, body_is_stored, depth, caused_by, callback, suppress_destinations, redrive_of, replay_of
        FROM {source}
        """;

    public static string CopyPayloads(string source) =>
        $"""
        INSERT INTO payloads (invocation_id, bytes, created_at)
        SELECT input.new_id, payloads.bytes, input.now
        FROM {source} JOIN payloads ON payloads.invocation_id = input.old_id
        WHERE input.body_is_stored
        """;

    public static string QueueFirst(string source) =>
        $"""
        INSERT INTO outbox (invocation_id, attempt, due_at, message, body)
        SELECT input.new_id, 1, input.due_at, input.message, ended.event_body
        FROM {source} JOIN invocations ended ON ended.invocation_id = input.old_id
        """;

    private static RowSet<Row>.Column<TValue> Column<TValue>(string name, string type, Func<Row, TValue> get) => new(name, type, get);

    /// <summary>A restart with what its rows need besides.</summary>
    public sealed record Row(Restart Restart, bool IsRedrive, DateTimeOffset Now);
}

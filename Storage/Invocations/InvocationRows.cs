using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Invocations;

/// <summary>The columns in which attempts and accepted invocations travel to the store.</summary>
internal static class InvocationRows
{
    public static readonly RowSet<AttemptRecord> Attempts = new(
        Attempt("invocation_id", "uuid", r => r.Message.InvocationId),
        Attempt("account_id", "text", r => Stored.Text(r.Message.AccountId)),
        Attempt("function_id", "uuid", r => r.Message.FunctionId),
        Attempt("function_name", "text", r => Stored.Text(r.FunctionName)),
        Attempt("revision", "integer", r => r.Message.Revision),
        Attempt("kind", "text", r => r.Message.Kind.ToWire()),
        Attempt("trigger_kind", "text", r => r.Message.Trigger.ToWire()),
        Attempt("state", "text", r => r.State.ToWire()),
        Attempt("attempt", "integer", r => r.NextAttempt?.Attempt ?? r.Message.Attempt),
        Attempt("recorded_attempt", "integer", r => r.Message.Attempt),
        Attempt("accepted_at", "timestamptz", r => Stored.Time(r.Message.AcceptedAt)),
        Attempt("due_at", "timestamptz", r => Stored.Time((r.NextAttempt ?? r.Message).DueAt)),
        Attempt("deadline", "timestamptz", r => Stored.Time(r.Message.Deadline)),
        Attempt("ended_at", "timestamptz", r => r.State.IsTerminal() ? Stored.Time(r.EndedAt) : (DateTimeOffset?)null),
        Attempt("body_is_stored", "boolean", r => r.Message.BodyIsStored),
        Attempt("depth", "integer", r => r.Message.Depth),
        Attempt("caused_by", "uuid", r => r.Message.CausedBy),
        Attempt("callback", "text", r => r.Message.Callback is { } callback ? Stored.Text(callback.AbsoluteUri) : null),
        Attempt("suppress_destinations", "boolean", r => r.Message.SuppressDestinations),
        Attempt("error_code", "text", r => r.Error?.Code.ToWire()),
        Attempt("error_type", "text", r => r.Error?.Type is { } type ? Stored.Text(type, 256) : null),
        Attempt("error_message", "text", r => r.Error is { } error ? Stored.Text(error.Message, Limits.ErrorMessageLength) : null),
        Attempt("result_status", "integer", r => r.Result?.HttpStatus),
        Attempt("result_headers", "text", r => Keeps(r) && r.Result!.Headers.Count > 0 ? JsonSerializer.Serialize(r.Result.Headers, Stored.Json) : null),
        Attempt("result_content_type", "text", r => r.Result is { } result ? Stored.Text(result.ContentType, 256) : null),
        Attempt("result_body", "bytea", r => Keeps(r) ? Stored.Bytes(r.Result!.Body) : null),
        Attempt("started_at", "timestamptz", r => Stored.Time(r.StartedAt)),
        Attempt("attempt_ended_at", "timestamptz", r => Stored.Time(r.EndedAt)),
        Attempt("queue_us", "bigint", r => Stored.Microseconds(r.Timings.Queue)),
        Attempt("start_us", "bigint", r => Stored.Microseconds(r.Timings.Start)),
        Attempt("init_us", "bigint", r => Stored.Microseconds(r.Timings.Init)),
        Attempt("run_us", "bigint", r => Stored.Microseconds(r.Timings.Run)),
        Attempt("cold_start", "boolean", r => r.ColdStart),
        Attempt("memory_bytes", "bigint", r => r.MemoryBytes),
        Attempt("peak_memory_bytes", "bigint", r => r.PeakMemoryBytes),
        Attempt("cpu_us", "bigint", r => r.CpuTime is { } cpu ? Stored.Microseconds(cpu) : (long?)null),
        Attempt("worker_id", "text", r => Stored.Text(r.WorkerId)),
        Attempt("billed_ms", "bigint", r => r.Bill.BilledMilliseconds),
        Attempt("gb_seconds", "numeric", r => r.Bill.GigabyteSeconds),
        Attempt("cost", "numeric", r => r.Bill.Cost),
        Attempt("price_version", "text", r => Stored.Text(r.Bill.PriceVersion)),
        Attempt("trace_parent", "text", r => r.Message.TraceParent is { } trace ? Stored.Text(trace, 256) : null),
        Attempt("next_message", "text", r => r.NextAttempt is { } next ? OutboxMessage(next) : null),
        Attempt("next_body", "bytea", r => r.NextAttempt is { } next ? Stored.Bytes(next.Body) : null),
        Attempt("event_message", "text", r => KeptEvents.Keeps(r) ? KeptEvents.Write(r.Message) : null),
        Attempt("event_body", "bytea", r => KeptEvents.Keeps(r) ? Stored.Bytes(r.Message.Body) : null));

    public static readonly RowSet<AcceptedInvocation> Accepted = new(
        Accept("invocation_id", "uuid", r => r.Message.InvocationId),
        Accept("account_id", "text", r => Stored.Text(r.Message.AccountId)),
        Accept("function_id", "uuid", r => r.Message.FunctionId),
        Accept("function_name", "text", r => Stored.Text(r.FunctionName)),
        Accept("revision", "integer", r => r.Message.Revision),
        Accept("kind", "text", r => r.Message.Kind.ToWire()),
        Accept("trigger_kind", "text", r => r.Message.Trigger.ToWire()),
        Accept("attempt", "integer", r => r.Message.Attempt),
        Accept("accepted_at", "timestamptz", r => Stored.Time(r.Message.AcceptedAt)),
        Accept("due_at", "timestamptz", r => Stored.Time(r.Message.DueAt)),
        Accept("deadline", "timestamptz", r => Stored.Time(r.Message.Deadline)),
        Accept("body_is_stored", "boolean", r => r.Message.BodyIsStored),
        Accept("depth", "integer", r => r.Message.Depth),
        Accept("caused_by", "uuid", r => r.Message.CausedBy),
        Accept("callback", "text", r => r.Message.Callback is { } callback ? Stored.Text(callback.AbsoluteUri) : null),
        Accept("suppress_destinations", "boolean", r => r.Message.SuppressDestinations),
        Accept("message", "text", r => r.IsLater ? OutboxMessage(r.Message) : ""),
        Accept("body", "bytea", r => r.IsLater ? Stored.Bytes(r.Message.Body) : []));

    /// <summary>About how many bytes a record is, to bound a batch.</summary>
    public static int Weigh(AttemptRecord record) =>
        1024 + (Keeps(record) ? record.Result!.Body.Length : 0) + (record.NextAttempt?.Body.Length ?? 0) + (KeptEvents.Keeps(record) ? record.Message.Body.Length : 0)
        + (DispatchPlan.Follow(record) ? (record.Event?.Length ?? 0) + (2 * (record.Result?.Body.Length ?? 0)) : 0);

    // Headers count as well: a function chooses them.
    private static bool Keeps(AttemptRecord record) =>
        record.Result is { } result
        && (record.Message.KeepsAnswer
            || result.Body.Length + result.Headers.Sum(header => header.Key.Length + header.Value.Length) <= Limits.RecordedResultBytes);

    /// <summary>How a message stands in the outbox: without its body, which has a column of its own.</summary>
    public static string OutboxMessage(InvocationMessage message) =>
        JsonSerializer.Serialize(message with { Body = default }, Stored.Json);

    private static RowSet<AttemptRecord>.Column<TValue> Attempt<TValue>(string name, string type, Func<AttemptRecord, TValue> get) =>
        new(name, type, get);

    private static RowSet<AcceptedInvocation>.Column<TValue> Accept<TValue>(string name, string type, Func<AcceptedInvocation, TValue> get) =>
        new(name, type, get);
}

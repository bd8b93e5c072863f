namespace FaasCluster.Storage.Invocations;

/// <summary>
/// The statements that change invocations. Each reads its rows from a source in the columns of <see cref="InvocationRows"/>.
/// The "WHERE true" keeps SQLite from reading ON CONFLICT as a join.
/// </summary>
internal static class InvocationSql
{
    private const string Columns =
        """
        invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, state, attempt, recorded_attempt,
        accepted_at, due_at, deadline, ended_at, body_is_stored, depth, caused_by, callback, suppress_destinations,
        error_code, error_type, error_message, result_status, result_headers, result_content_type, result_body,
        event_message, event_body
        """;

    /// <summary>
    /// Sets the outcome of attempts that are new: the row is open and no such or later attempt is recorded. The condition
    /// is on the row itself, which the conflict locks, so it holds whoever else records at the same time. Queued may follow
    /// queued here: nobody claims a first run, so the running between the two is not written.
    /// </summary>
    public static string RecordAttempts(string source) =>
        $"""
        INSERT INTO invocations ({Columns})
        SELECT {Columns} FROM {source} WHERE true
        ON CONFLICT (invocation_id) DO UPDATE SET
            state = excluded.state, attempt = excluded.attempt, recorded_attempt = excluded.recorded_attempt,
            due_at = excluded.due_at, ended_at = excluded.ended_at,
            error_code = excluded.error_code, error_type = excluded.error_type, error_message = excluded.error_message,
            result_status = excluded.result_status, result_headers = excluded.result_headers,
            result_content_type = excluded.result_content_type, result_body = excluded.result_body,
            event_message = excluded.event_message, event_body = excluded.event_body
        WHERE invocations.state IN ('queued', 'running') AND invocations.recorded_attempt < excluded.recorded_attempt
        """;

    /// <summary>The bills of attempts that were new.</summary>
    public static string RecordBills(string source) =>
        $"""
        INSERT INTO billing_records (
            invocation_id, attempt, account_id, function_name, state, error_code, started_at, ended_at,
            queue_us, start_us, init_us, run_us, cold_start, memory_bytes, peak_memory_bytes, cpu_us, worker_id,
            billed_ms, gb_seconds, cost, price_version, trace_parent)
        SELECT
            invocation_id, recorded_attempt, account_id, function_name, state, error_code, started_at, attempt_ended_at,
            queue_us, start_us, init_us, run_us, cold_start, memory_bytes, peak_memory_bytes, cpu_us, worker_id,
            billed_ms, gb_seconds, cost, price_version, trace_parent
        FROM {source} WHERE true
        ON CONFLICT (invocation_id, attempt) DO NOTHING
        """;

    /// <summary>The next attempts of those that were new.</summary>
    public static string QueueNext(string source) =>
        $"""
        INSERT INTO outbox (invocation_id, attempt, due_at, message, body)
        SELECT invocation_id, attempt, due_at, next_message, next_body FROM {source} WHERE next_message IS NOT NULL
        ON CONFLICT (invocation_id, attempt) DO NOTHING
        """;

    /// <summary>The dead letters of those that ended and were new.</summary>
    public static string AddDeadLetters(string source) =>
        $"""
        INSERT INTO dead_letters (invocation_id, account_id, function_name, state)
        SELECT invocation_id, account_id, function_name, 'open' FROM {source}
        WHERE state IN ('failed', 'expired', 'lost') AND kind = 'asynchronous'
        ON CONFLICT (invocation_id) DO NOTHING
        """;

    /// <summary>Events that lie apart are not needed any more when their invocation has ended, unless they are kept for a re-drive.</summary>
    public static string DropPayloads(string source) =>
        $"""
        DELETE FROM payloads WHERE invocation_id IN (
            SELECT invocation_id FROM {source} WHERE body_is_stored AND state <> 'queued' AND event_message IS NULL)
        """;

    /// <summary>
    /// What was to be published of invocations that are cancelled. A row that a relay has in its hands is waited for: it is
    /// published, or put off and then deleted here.
    /// </summary>
    public static string DropOutbox(string source) =>
        $"""
        DELETE FROM outbox WHERE invocation_id IN (SELECT invocation_id FROM {source} WHERE state = 'cancelled')
        """;

    /// <summary>Rows of accepted invocations; those that are there stay as they are, above all those that have ended.</summary>
    public static string Accept(string source) =>
        $"""
        INSERT INTO invocations (
            invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, state, attempt, recorded_attempt,
            accepted_at, due_at, deadline, body_is_stored, depth, caused_by, callback, suppress_destinations)
        SELECT
            invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, 'queued', attempt, 0,
            accepted_at, due_at, deadline, body_is_stored, depth, caused_by, callback, suppress_destinations
        FROM {source} WHERE true
        ON CONFLICT (invocation_id) DO NOTHING
        """;

    /// <summary>The first attempts of invocations that have no row yet: before <see cref="Accept"/> in its transaction.</summary>
    public static string AcceptLater(string source) =>
        $"""
        INSERT INTO outbox (invocation_id, attempt, due_at, message, body)
        SELECT invocation_id, attempt, due_at, message, body FROM {source}
        WHERE NOT EXISTS (SELECT 1 FROM invocations WHERE invocations.invocation_id = input.invocation_id)
        ON CONFLICT (invocation_id, attempt) DO NOTHING
        """;

    /// <summary>One more start of an attempt.</summary>
    public const string MarkStarted =
        """
        INSERT INTO start_marks (invocation_id, attempt, marks, worker_id, started_at)
        VALUES (@InvocationId, @Attempt, 1, @WorkerId, @Now)
        ON CONFLICT (invocation_id, attempt) DO UPDATE SET
            marks = start_marks.marks + 1, worker_id = excluded.worker_id, started_at = excluded.started_at
        RETURNING marks
        """;

    /// <summary>The first start of an attempt; a row only for whoever made the mark.</summary>
    public const string MarkStartedOnce =
        """
        INSERT INTO start_marks (invocation_id, attempt, marks, worker_id, started_at)
        VALUES (@InvocationId, @Attempt, 1, @WorkerId, @Now)
        ON CONFLICT (invocation_id, attempt) DO UPDATE SET marks = start_marks.marks
        WHERE start_marks.worker_id = excluded.worker_id AND start_marks.started_at = excluded.started_at
        RETURNING marks
        """;

    /// <summary>What is recorded of an attempt. An invocation may end without it: cancelled, expired, or ended by another node.</summary>
    public const string FindOutcome =
        """
        SELECT coalesce(
            (SELECT state FROM billing_records WHERE invocation_id = @InvocationId AND attempt = @Attempt),
            (SELECT state FROM invocations WHERE invocation_id = @InvocationId AND state NOT IN ('queued', 'running')),
            (SELECT 'queued' FROM invocations WHERE invocation_id = @InvocationId AND recorded_attempt > @Attempt))
        """;

    /// <summary>Queued becomes running, unless this or a later attempt is recorded.</summary>
    public const string Run =
        """
        INSERT INTO invocations (
            invocation_id, account_id, function_id, function_name, revision, kind, trigger_kind, state, attempt, recorded_attempt,
            accepted_at, due_at, deadline, body_is_stored, depth, caused_by, callback, suppress_destinations)
        VALUES (
            @InvocationId, @AccountId, @FunctionId, @FunctionName, @Revision, @Kind, @Trigger, 'running', @Attempt, 0,
            @AcceptedAt, @DueAt, @Deadline, @BodyIsStored, @Depth, @CausedBy, @Callback, @SuppressDestinations)
        ON CONFLICT (invocation_id) DO UPDATE SET state = 'running', attempt = excluded.attempt
        WHERE invocations.state = 'queued' AND invocations.recorded_attempt < excluded.attempt
        """;
}

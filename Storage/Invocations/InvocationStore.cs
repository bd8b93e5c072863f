using System.Text.Json;
using Dapper;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Sql;
using FaasCluster.Storage.Telemetry;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Invocations;

/// <inheritdoc cref="IInvocationStore"/>
internal sealed class InvocationStore(
    Database database, AttemptRecorder recorder, StorageMetrics metrics, TimeProvider time, ILogger<InvocationStore> log) : IInvocationStore
{
    // A run that started right before its deadline may take a quarter of an hour; a row that is still running long after
    // has no worker any more.
    private static readonly TimeSpan LostAfter = TimeSpan.FromHours(1);

    public Task AcceptAsync(IReadOnlyList<AcceptedInvocation> batch, CancellationToken cancellationToken) => Bisection.RunAsync(
        [.. batch.OrderBy(accepted => accepted.Message.InvocationId)],
        (part, token) => database.ExecuteAsync(InvocationRows.Accepted, InvocationSql.Accept, part, token),
        (accepted, exception) =>
        {
            metrics.Refused("accepted");
            log.AcceptedRefused(accepted.Message.InvocationId, accepted.FunctionName, exception);
        },
        cancellationToken);

    public Task<bool> AcceptLaterAsync(AcceptedInvocation accepted, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var message = accepted.Message;
            var function = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
                $"SELECT function_id FROM functions WHERE function_id = @FunctionId AND deleted_at IS NULL {database.ForShare}",
                new { message.FunctionId },
                transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            if (function is null)
            {
                return false;
            }

            await database.ExecuteAsync(connection, transaction, InvocationRows.Accepted, InvocationSql.AcceptLater, [accepted], cancellationToken).ConfigureAwait(false);
            await database.ExecuteAsync(connection, transaction, InvocationRows.Accepted, InvocationSql.Accept, [accepted], cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    public Task<IReadOnlyList<RecordOutcome>> RecordAsync(IReadOnlyList<AttemptRecord> batch, CancellationToken cancellationToken) =>
        recorder.RecordAsync(batch, cancellationToken);

    public async Task<InvocationState?> FindOutcomeAsync(Guid invocationId, int attempt, CancellationToken cancellationToken)
    {
        var state = await database.ReadAsync(
            connection => connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
                InvocationSql.FindOutcome, new { InvocationId = invocationId, Attempt = attempt }, cancellationToken: cancellationToken)),
            cancellationToken).ConfigureAwait(false);
        return state is null ? null : InvocationStates.Parse(state);
    }

    public Task<int> MarkStartedAsync(InvocationMessage message, string functionName, string workerId, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var values = StartValues.Of(message, functionName, workerId, time.GetUtcNow());
                var marks = await connection.ExecuteScalarAsync<long>(
                    new CommandDefinition(InvocationSql.MarkStarted, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false);
                await connection.ExecuteAsync(
                    new CommandDefinition(InvocationSql.Run, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false);
                return (int)marks;
            },
            cancellationToken);

    public Task<StartOutcome> StartOnceAsync(
        InvocationMessage message, string functionName, string workerId, DateTimeOffset startedAt, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var values = StartValues.Of(message, functionName, workerId, Stored.Time(startedAt));
            var isMine = await connection.ExecuteScalarAsync<long?>(
                new CommandDefinition(InvocationSql.MarkStartedOnce, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false) is not null;
            if (isMine)
            {
                // Waits for whoever is ending the invocation at this moment; the look below then sees the end.
                await connection.ExecuteAsync(
                    new CommandDefinition(InvocationSql.Run, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false);
            }

            var recorded = await connection.ExecuteScalarAsync<string?>(
                new CommandDefinition(InvocationSql.FindOutcome, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false);
            return recorded is not null ? StartOutcome.Ended : isMine ? StartOutcome.Started : StartOutcome.StartedBefore;
        },
        cancellationToken);

    public Task<int> CountStartsAsync(Guid invocationId, int attempt, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.ExecuteScalarAsync<int>(new CommandDefinition(
                "SELECT coalesce((SELECT marks FROM start_marks WHERE invocation_id = @invocationId AND attempt = @attempt), 0)",
                new { invocationId, attempt },
                cancellationToken: cancellationToken)),
            cancellationToken);

    public Task<InvocationDetails?> FindAsync(string accountId, Guid invocationId, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection =>
            {
                var row = await connection.QuerySingleOrDefaultAsync<InvocationRow>(new CommandDefinition(
                    $"SELECT {InvocationRow.Columns}, {InvocationRow.ResultColumns} FROM invocations WHERE invocation_id = @invocationId AND account_id = @accountId",
                    new { invocationId, accountId },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                if (row is null)
                {
                    return null;
                }

                var attempts = await connection.QueryAsync<AttemptRow>(new CommandDefinition(
                    $"SELECT {AttemptRow.Columns} FROM billing_records WHERE invocation_id = @invocationId AND account_id = @accountId ORDER BY attempt",
                    new { invocationId, accountId },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                var (letter, redrivenAs) = await connection.QuerySingleOrDefaultAsync<(string? State, Guid? RedrivenAs)>(new CommandDefinition(
                    "SELECT state, redriven_as FROM dead_letters WHERE invocation_id = @invocationId AND account_id = @accountId",
                    new { invocationId, accountId },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                var replays = row.EndedAt is null ? [] : await connection.QueryAsync<Guid>(new CommandDefinition(
                    "SELECT invocation_id FROM invocations WHERE replay_of = @invocationId AND account_id = @accountId ORDER BY invocation_id DESC LIMIT 10",
                    new { invocationId, accountId },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                var dispatches = await connection.QueryAsync<DispatchRow>(new CommandDefinition(
                    $"SELECT {DispatchRow.Columns} FROM dispatches WHERE invocation_id = @invocationId AND account_id = @accountId ORDER BY kind DESC",
                    new { invocationId, accountId },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return new InvocationDetails
                {
                    Summary = row.ToSummary(),
                    Attempts = [.. attempts.Select(attempt => attempt.ToAttempt())],
                    Result = row.ToResult(),
                    DeadLetter = letter is null ? null : DeadLetterStates.Parse(letter),
                    RedrivenAs = redrivenAs,
                    Replays = [.. replays],
                    Dispatches = [.. dispatches.Select(dispatch => dispatch.ToDispatch())],
                };
            },
            cancellationToken);

    public Task<IReadOnlyList<InvocationSummary>> ListAsync(InvocationFilter filter, CancellationToken cancellationToken)
    {
        var (conditions, parameters) = InvocationFilterSql.For(filter);
        return database.ReadAsync<IReadOnlyList<InvocationSummary>>(
            async connection =>
            {
                var rows = await connection.QueryAsync<InvocationRow>(new CommandDefinition(
                    $"SELECT {InvocationRow.Columns} FROM invocations WHERE {conditions} ORDER BY invocation_id DESC LIMIT @limit",
                    parameters,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return [.. rows.Select(row => row.ToSummary())];
            },
            cancellationToken);
    }

    public Task<IReadOnlyList<InvocationSummary>> ListInOutboxAsync(Guid functionId, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<InvocationSummary>>(
            async connection =>
            {
                var rows = await connection.QueryAsync<InvocationRow>(new CommandDefinition(
                    $"""
                    SELECT {InvocationRow.Columns} FROM invocations
                    WHERE function_id = @functionId AND state IN ('queued', 'running')
                      AND EXISTS (SELECT 1 FROM outbox WHERE outbox.invocation_id = invocations.invocation_id AND outbox.attempt = invocations.attempt)
                    LIMIT @limit
                    """,
                    new { functionId, limit },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return [.. rows.Select(row => row.ToSummary())];
            },
            cancellationToken);

    public async Task<int> ExpireAsync(DateTimeOffset deadlineBefore, int limit, string workerId, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            connection => connection.QueryAsync<InvocationRow>(new CommandDefinition(
                $"""
                SELECT {InvocationRow.Columns},
                    (SELECT manifest FROM revisions WHERE revisions.function_id = invocations.function_id AND revisions.revision = invocations.revision) AS manifest
                FROM invocations
                WHERE state IN ('queued', 'running')
                  AND (state = 'queued' AND deadline < @expired OR state = 'running' AND deadline < @lost)
                  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.invocation_id = invocations.invocation_id)
                LIMIT @limit
                """,
                new { expired = deadlineBefore, lost = deadlineBefore - LostAfter, limit },
                cancellationToken: cancellationToken)),
            cancellationToken).ConfigureAwait(false);

        // Recorded as any attempt is: should the true one come first, this one is the duplicate.
        var now = time.GetUtcNow();
        var outcomes = await RecordAsync([.. rows.Select(row => Abandoned(row, workerId, now))], cancellationToken).ConfigureAwait(false);
        return outcomes.Count(outcome => outcome == RecordOutcome.Recorded);
    }

    public Task<WaitingCounts> CountWaitingAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection =>
            {
                // One statement, so that all three are of the same moment.
                var (queued, running, outbox) = await connection.QuerySingleAsync<(long, long, long)>(new CommandDefinition(
                    """
                    SELECT
                        (SELECT count(*) FROM invocations WHERE state = 'queued'),
                        (SELECT count(*) FROM invocations WHERE state = 'running'),
                        (SELECT count(DISTINCT invocation_id) FROM outbox)
                    """,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return new WaitingCounts(queued, running, outbox);
            },
            cancellationToken);

    public Task<OpenCounts> CountOpenAsync(DateTimeOffset dueBefore, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection =>
            {
                // One statement: what moves from the outbox to the broker must not be in neither count, nor in both.
                var rows = (await connection.QueryAsync<(Guid FunctionId, long Open, long Outbox, long Due)>(new CommandDefinition(
                    """
                    SELECT function_id, count(*), coalesce(sum(waits), 0), coalesce(sum(CASE WHEN waits = 0 AND due_at < @dueBefore THEN 1 ELSE 0 END), 0)
                    FROM (
                        SELECT
                            function_id, due_at,
                            CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.invocation_id = invocations.invocation_id) THEN 1 ELSE 0 END AS waits
                        FROM invocations WHERE state IN ('queued', 'running') AND kind = 'asynchronous') AS unended
                    GROUP BY function_id
                    """,
                    new { dueBefore },
                    cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();
                return new OpenCounts(
                    rows.Sum(row => row.Open), rows.Sum(row => row.Outbox), rows.Where(row => row.Due > 0).ToDictionary(row => row.FunctionId, row => row.Due));
            },
            cancellationToken);

    private static AttemptRecord Abandoned(InvocationRow row, string workerId, DateTimeOffset now)
    {
        var manifest = row.Manifest is null ? null : JsonSerializer.Deserialize<FunctionManifest>(row.Manifest, Stored.Json);
        var wasRunning = InvocationStates.Parse(row.State) == InvocationState.Running;
        return new AttemptRecord
        {
            Message = row.ToMessage(),
            HasEvent = false,
            FunctionName = row.FunctionName,
            MemoryBytes = 0,
            State = wasRunning ? InvocationState.Lost : InvocationState.Expired,
            Error = new InvocationError
            {
                Code = wasRunning ? ErrorCode.WorkerLost : ErrorCode.Expired,
                Message = wasRunning
                    ? $"The invocation was started and its worker never reported its end; it was given up {LostAfter.TotalMinutes:0} minutes after its deadline of {row.Deadline:u}."
                    : $"The invocation waited past its deadline of {row.Deadline:u} without a worker starting it.",
            },
            OnFailure = manifest?.OnFailure,
            StartedAt = now,
            EndedAt = now,
            Timings = new InvocationTimings { Queue = row.DueAt < now ? now - row.DueAt : TimeSpan.Zero },
            WorkerId = workerId,
            Bill = new Bill { BilledMilliseconds = 0, GigabyteSeconds = 0, Cost = 0, PriceVersion = "none" },
        };
    }
}

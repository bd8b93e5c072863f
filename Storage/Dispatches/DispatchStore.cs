using System.Data.Common;
using Dapper;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Dispatches;

/// <inheritdoc cref="IDispatchStore"/>
internal sealed class DispatchStore(Database database, TimeProvider time) : IDispatchStore
{
    // Whoever settles must hold the lease still: another claim raised the number of attempts.
    private const string IfHeld = "WHERE invocation_id = @InvocationId AND kind = @Kind AND state = 'waiting' AND attempts = @Attempts";

    public async Task<IReadOnlyList<Dispatch>> ClaimDueAsync(DispatchKind kind, int limit, TimeSpan lease, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var now = time.GetUtcNow();

        // What was never tried is due whatever the clock of the worker said that recorded the end.
        const string IsDue = "state = 'waiting' AND kind = @kind AND (due_at <= @now OR attempts = 0)";

        // Mostly there is nothing: then nobody takes a lock, above all not that of SQLite's one writer.
        var isAny = await database.ReadAsync(
            connection => connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                $"SELECT EXISTS (SELECT 1 FROM dispatches WHERE {IsDue})", new { kind = kind.ToWire(), now }, cancellationToken: cancellationToken)),
            cancellationToken).ConfigureAwait(false);
        return !isAny ? [] : await database.WriteAsync<IReadOnlyList<Dispatch>>(
            async (connection, transaction) =>
            {
                // Materialized: a join that looked for what is due more than once would take more than the limit.
                var rows = await connection.QueryAsync<DispatchRow>(new CommandDefinition(
                    $"""
                    WITH due AS MATERIALIZED (
                        SELECT invocation_id AS due_id FROM dispatches WHERE {IsDue}
                        ORDER BY due_at LIMIT @limit {database.ForUpdateSkipLocked})
                    UPDATE dispatches SET attempts = dispatches.attempts + 1, due_at = @leaseEnd
                    FROM due WHERE dispatches.invocation_id = due.due_id AND dispatches.kind = @kind
                    RETURNING {DispatchRow.Columns}, body
                    """,
                    new { kind = kind.ToWire(), now, leaseEnd = now + lease, limit },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return [.. rows.Select(row => row.ToDispatch())];
            },
            cancellationToken).ConfigureAwait(false);
    }

    public Task DeliveredAsync(Dispatch dispatch, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) => EndAsDeliveredAsync(connection, transaction, dispatch, cancellationToken), cancellationToken);

    public Task PutOffAsync(Dispatch dispatch, DateTimeOffset dueAt, string error, CancellationToken cancellationToken) =>
        SettleAsync($"UPDATE dispatches SET due_at = @dueAt, last_error = @error {IfHeld}", dispatch, dueAt, error, cancellationToken);

    public Task GiveUpAsync(Dispatch dispatch, string error, CancellationToken cancellationToken) =>
        SettleAsync($"UPDATE dispatches SET state = 'dead', ended_at = @now, last_error = @error {IfHeld}", dispatch, time.GetUtcNow(), error, cancellationToken);

    public Task<bool> InvokeAsync(Dispatch dispatch, InvocationMessage message, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            // The function stays until this is committed: whoever deletes it afterwards finds the row that waits.
            var isThere = await connection.ExecuteScalarAsync<Guid?>(new CommandDefinition(
                $"SELECT function_id FROM functions WHERE function_id = @FunctionId AND deleted_at IS NULL {database.ForShare}",
                new { message.FunctionId },
                transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false) is not null;
            if (!isThere || !await EndAsDeliveredAsync(connection, transaction, dispatch, cancellationToken).ConfigureAwait(false))
            {
                return false;
            }

            var sent = message;
            if (message.Body.Length > Contracts.Limits.InlinePayloadBytes)
            {
                sent = message with { BodyIsStored = true, Body = default };
                await connection.ExecuteAsync(new CommandDefinition(
                    "INSERT INTO payloads (invocation_id, bytes, created_at) VALUES (@InvocationId, @bytes, @now) ON CONFLICT (invocation_id) DO NOTHING",
                    new { message.InvocationId, bytes = Stored.Bytes(message.Body), now = time.GetUtcNow() },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
            }

            await database.ExecuteAsync(
                connection,
                transaction,
                InvocationRows.Accepted,
                InvocationSql.Accept,
                [new AcceptedInvocation { Message = sent, FunctionName = dispatch.Target }],
                cancellationToken).ConfigureAwait(false);
            await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO outbox (invocation_id, attempt, due_at, message, body) VALUES (@InvocationId, @Attempt, @DueAt, @document, @body)
                ON CONFLICT (invocation_id, attempt) DO NOTHING
                """,
                new { sent.InvocationId, sent.Attempt, sent.DueAt, document = InvocationRows.OutboxMessage(sent), body = Stored.Bytes(sent.Body) },
                transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    public Task<bool> ResendAsync(string accountId, Guid invocationId, DispatchKind kind, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) => await connection.ExecuteAsync(new CommandDefinition(
            // The attempts go on counting: they are the lease, too.
            """
            UPDATE dispatches SET state = 'waiting', ended_at = NULL, began_at = @now, due_at = @now
            WHERE invocation_id = @invocationId AND kind = @kind AND account_id = @accountId AND state = 'dead'
            """,
            new { accountId, invocationId, kind = kind.ToWire(), now = time.GetUtcNow() },
            transaction,
            cancellationToken: cancellationToken)).ConfigureAwait(false) == 1,
        cancellationToken);

    public Task<IReadOnlyList<Dispatch>> ListAsync(DispatchFilter filter, CancellationToken cancellationToken)
    {
        var conditions = "account_id = @AccountId";
        conditions += filter.State is null ? "" : " AND state = @state";
        conditions += filter.FunctionName is null ? "" : " AND function_name = @FunctionName";
        conditions += filter.After is null ? "" : " AND (invocation_id, kind) < (@afterId, @afterKind)";
        return database.ReadAsync<IReadOnlyList<Dispatch>>(
            async connection => [.. (await connection.QueryAsync<DispatchRow>(new CommandDefinition(
                $"SELECT {DispatchRow.Columns} FROM dispatches WHERE {conditions} ORDER BY invocation_id DESC, kind DESC LIMIT @Limit",
                new { filter.AccountId, state = filter.State?.ToWire(), filter.FunctionName, afterId = filter.After?.InvocationId, afterKind = filter.After?.Kind.ToWire(), filter.Limit },
                cancellationToken: cancellationToken)).ConfigureAwait(false)).Select(row => row.ToDispatch())],
            cancellationToken);
    }

    private async Task<bool> EndAsDeliveredAsync(DbConnection connection, DbTransaction transaction, Dispatch dispatch, CancellationToken cancellationToken) =>
        await connection.ExecuteAsync(new CommandDefinition(
            // Delivered is delivered, whoever holds the lease meanwhile; for an invocation it is this row that makes it one.
            """
            UPDATE dispatches SET state = 'delivered', ended_at = @now, body = @empty
            WHERE invocation_id = @InvocationId AND kind = @Kind AND state = 'waiting'
            """,
            new { dispatch.InvocationId, Kind = dispatch.Kind.ToWire(), now = time.GetUtcNow(), empty = Array.Empty<byte>() },
            transaction,
            cancellationToken: cancellationToken)).ConfigureAwait(false) == 1;

    private Task SettleAsync(string statement, Dispatch dispatch, DateTimeOffset at, string error, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) => connection.ExecuteAsync(new CommandDefinition(
            statement,
            new
            {
                dispatch.InvocationId,
                Kind = dispatch.Kind.ToWire(),
                dispatch.Attempts,
                dueAt = at,
                now = at,
                error = Stored.Text(error, Contracts.Limits.ErrorMessageLength),
            },
            transaction,
            cancellationToken: cancellationToken)),
        cancellationToken);
}

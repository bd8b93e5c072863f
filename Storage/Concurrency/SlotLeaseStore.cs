using System.Data.Common;
using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Concurrency;

/// <inheritdoc cref="ISlotLeaseStore"/>
internal sealed class SlotLeaseStore(Database database) : ISlotLeaseStore
{
    // Who waits asks again sooner; who does not wait any more must not keep others from their idle sandboxes.
    private static readonly TimeSpan WantedFor = TimeSpan.FromSeconds(5);

    public Task<bool> TryHoldAsync(Guid functionId, string workerId, int slots, int limit, TimeSpan lifetime, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var values = new { functionId, workerId, slots, limit, lifetime = lifetime.TotalSeconds, wanted = WantedFor.TotalSeconds };

                // 1. One at a time for each function: two that count at once would both find the last slot free.
                await database.LockAsync(connection, transaction, functionId, cancellationToken).ConfigureAwait(false);

                // 2. Lapsed leases go before anything is counted, so that their worker sees that it has lost them.
                await RunAsync($"DELETE FROM slot_leases WHERE function_id = @functionId AND expires_at <= {database.Clock}").ConfigureAwait(false);
                var held = await RunAsync(
                    $"""
                    INSERT INTO slot_leases (function_id, worker_id, slots, expires_at)
                    SELECT @functionId, @workerId, @slots, {database.ClockPlus("@lifetime")}
                    WHERE @slots + coalesce((SELECT sum(slots) FROM slot_leases WHERE function_id = @functionId AND worker_id <> @workerId), 0) <= @limit
                    ON CONFLICT (function_id, worker_id) DO UPDATE
                    SET slots = excluded.slots, expires_at = excluded.expires_at, wanted_until = NULL
                    """).ConfigureAwait(false);
                if (held == 0)
                {
                    await RunAsync(
                        $"""
                        INSERT INTO slot_leases (function_id, worker_id, slots, expires_at, wanted_until)
                        VALUES (@functionId, @workerId, 0, {database.ClockPlus("@wanted")}, {database.ClockPlus("@wanted")})
                        ON CONFLICT (function_id, worker_id) DO UPDATE SET wanted_until = excluded.wanted_until
                        """).ConfigureAwait(false);
                }

                return held > 0;

                Task<int> RunAsync(string statement) => ExecuteAsync(connection, transaction, statement, values, cancellationToken);
            },
            cancellationToken);

    public Task HoldAsync(Guid functionId, string workerId, int slots, TimeSpan lifetime, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var values = new { functionId, workerId, slots, lifetime = lifetime.TotalSeconds };
                return await ExecuteAsync(
                    connection,
                    transaction,
                    slots == 0
                        ? "DELETE FROM slot_leases WHERE function_id = @functionId AND worker_id = @workerId"
                        : $"""
                           INSERT INTO slot_leases (function_id, worker_id, slots, expires_at)
                           VALUES (@functionId, @workerId, @slots, {database.ClockPlus("@lifetime")})
                           ON CONFLICT (function_id, worker_id) DO UPDATE SET slots = excluded.slots, expires_at = excluded.expires_at
                           """,
                    values,
                    cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);

    public Task<IReadOnlyList<HeldSlots>> RenewAsync(string workerId, TimeSpan lifetime, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<HeldSlots>>(
            async (connection, transaction) =>
            {
                var values = new { workerId, lifetime = lifetime.TotalSeconds };

                // A lease that lapsed comes back to life if it is still there: nobody was granted a slot since, for that deletes it.
                await ExecuteAsync(
                    connection,
                    transaction,
                    $"UPDATE slot_leases SET expires_at = {database.ClockPlus("@lifetime")} WHERE worker_id = @workerId AND slots > 0",
                    values,
                    cancellationToken).ConfigureAwait(false);
                var held = await connection.QueryAsync<HeldSlots>(new CommandDefinition(
                    $"""
                    SELECT function_id, slots, EXISTS (
                        SELECT 1 FROM slot_leases AS other
                        WHERE other.function_id = mine.function_id AND other.worker_id <> @workerId AND other.wanted_until > {database.Clock}) AS is_wanted
                    FROM slot_leases AS mine WHERE worker_id = @workerId AND slots > 0
                    """,
                    values,
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return held.AsList();
            },
            cancellationToken);

    public Task ForgetAsync(string workerId, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) => ExecuteAsync(
            connection,
            transaction,
            database.HasOneWorker ? "DELETE FROM slot_leases" : "DELETE FROM slot_leases WHERE worker_id = @workerId",
            new { workerId },
            cancellationToken),
        cancellationToken);

    private static Task<int> ExecuteAsync(
        DbConnection connection, DbTransaction transaction, string statement, object values, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(statement, values, transaction, cancellationToken: cancellationToken));
}

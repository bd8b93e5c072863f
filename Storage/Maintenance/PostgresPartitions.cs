using Dapper;
using FaasCluster.Contracts;
using FaasCluster.Storage.Sql;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FaasCluster.Storage.Maintenance;

/// <summary>
/// Makes partitions ahead and drops old ones under running traffic.
/// </summary>
/// <remarks>
/// CREATE TABLE ... PARTITION OF and DROP TABLE of a partition lock out everybody from the parent while they wait for
/// running transactions. ATTACH does not lock writers out. DETACH CONCURRENTLY would not either, but is refused while there
/// is a default partition, which late clocks need. So DETACH is plain, for which the lock is held for some milliseconds, and
/// it waits for that lock no longer than <see cref="LockTimeout"/>: what queues behind the wait is held up no longer either.
/// The detached table is dropped on its own afterwards.
/// </remarks>
internal sealed class PostgresPartitions(PostgresDatabase database, TimeProvider time, ILogger<PostgresPartitions> log)
{
    /// <summary>Tables that are partitioned by the range of invocation_id.</summary>
    public static readonly IReadOnlyList<string> Tables = ["invocations", "billing_records", "start_marks", "invocation_logs", "dead_letters", "dispatches"];

    // "faas" in ASCII and a number: the advisory locks of this class.
    private const long MakeLock = 0x6661617301;
    private const long DropLock = 0x6661617302;
    private const int Tries = 50;

    private static readonly TimeSpan LockTimeout = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Makes what is missing of the given time.</summary>
    public Task EnsureAsync(DateTimeOffset from, DateTimeOffset until, TimeSpan span, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            foreach (var table in Tables)
            {
                var present = await ListAsync(connection, table, cancellationToken).ConfigureAwait(false);
                foreach (var range in PartitionRange.Missing(present.Select(partition => partition.Range), from, until, span))
                {
                    await TryAsync(
                        range.NameFor(table), "made", () => MakeAsync(connection, table, range, cancellationToken), cancellationToken).ConfigureAwait(false);
                }
            }

            return true;
        },
        cancellationToken);

    /// <summary>Drops partitions that hold nothing younger than the given time. One node at a time does it; others return at once.</summary>
    /// <returns>Their names.</returns>
    public Task<IReadOnlyList<string>> DropAsync(DateTimeOffset before, CancellationToken cancellationToken) => database.RunAsync<IReadOnlyList<string>>(
        async connection =>
        {
            if (!await connection.ExecuteScalarAsync<bool>($"SELECT pg_try_advisory_lock({DropLock})").ConfigureAwait(false))
            {
                return [];
            }

            try
            {
                var dropped = new List<string>();
                foreach (var table in Tables)
                {
                    foreach (var (name, range) in await ListAsync(connection, table, cancellationToken).ConfigureAwait(false))
                    {
                        if (range.Until <= before)
                        {
                            await TryAsync(
                                name, "detached", () => DetachAsync(connection, table, name, cancellationToken), cancellationToken).ConfigureAwait(false);
                        }
                    }

                    // Also those that a node detached and did not live to drop.
                    foreach (var name in await ListDetachedAsync(connection, table, cancellationToken).ConfigureAwait(false))
                    {
                        if (await TryAsync(name, "dropped", () => DropAsync(connection, name, cancellationToken), cancellationToken).ConfigureAwait(false))
                        {
                            dropped.Add(name);
                        }
                    }
                }

                return dropped;
            }
            finally
            {
                await connection.ExecuteAsync($"SELECT pg_advisory_unlock({DropLock})").ConfigureAwait(false);
            }
        },
        cancellationToken);

    private static async Task<IReadOnlyList<(string Name, PartitionRange Range)>> ListAsync(
        NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        var rows = await connection.QueryAsync<(string Name, string Bound)>(new CommandDefinition(
            """
            SELECT child.relname, pg_get_expr(child.relpartbound, child.oid)
            FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent = @table::regclass
            ORDER BY child.relname
            """,
            new { table },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return [.. rows.Select(row => (row.Name, Range: PartitionRange.Parse(row.Bound))).Where(row => row.Range is not null).Select(row => (row.Name, row.Range!.Value))];
    }

    private static async Task<IReadOnlyList<string>> ListDetachedAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<string>(new CommandDefinition(
            """
            SELECT relname FROM pg_class
            WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = @table::regclass)
              AND relkind = 'r' AND NOT relispartition AND relname ~ ('^' || @table || '_p[0-9]{12}$')
            ORDER BY relname
            """,
            new { table },
            cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList();

    private async Task MakeAsync(NpgsqlConnection connection, string table, PartitionRange range, CancellationToken cancellationToken)
    {
        var name = range.NameFor(table);
        var from = Uuid7.LowerBound(range.From);
        var until = Uuid7.LowerBound(range.Until);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition($"SELECT pg_advisory_xact_lock({MakeLock})", cancellationToken: cancellationToken)).ConfigureAwait(false);
        var present = await ListAsync(connection, table, cancellationToken).ConfigureAwait(false);
        if (present.Any(partition => partition.Range.From < range.Until && range.From < partition.Range.Until))
        {
            // Another node was faster.
            return;
        }

        // Rows of this time may lie in the default partition, if some clock was ahead or nothing ran for days.
        await connection.ExecuteAsync(new CommandDefinition(
            $"""
            SET LOCAL lock_timeout = {LockTimeout.TotalMilliseconds:0};
            CREATE TABLE {name} (LIKE {table} INCLUDING ALL);
            WITH moved AS (DELETE FROM {table}_default WHERE invocation_id >= '{from}' AND invocation_id < '{until}' RETURNING *)
            INSERT INTO {name} SELECT * FROM moved;
            ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{until}');
            """,
            commandTimeout: 0,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        log.PartitionMade(name);
    }

    private static async Task DetachAsync(NpgsqlConnection connection, string table, string name, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            $"""
            SET LOCAL lock_timeout = {LockTimeout.TotalMilliseconds:0};
            ALTER TABLE {table} DETACH PARTITION {name};
            """,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task DropAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            $"SET LOCAL lock_timeout = {LockTimeout.TotalMilliseconds:0}; DROP TABLE {name};",
            commandTimeout: 0,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    // 55P03: the lock was not to be had in time. 40P01: a deadlock. 23514: rows came into the default partition between
    // their move and the attachment.
    private async Task<bool> TryAsync(string partition, string action, Func<Task> change, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await change().ConfigureAwait(false);
                return true;
            }
            catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.CheckViolation)
            {
                if (attempt == Tries)
                {
                    log.PartitionBusy(partition, action);
                    return false;
                }
            }

            // Whatever queued behind the attempt gets its turn.
            await Task.Delay(TryAgainAfter, time, cancellationToken).ConfigureAwait(false);
        }
    }
}

using System.Data.Common;
using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Maintenance;

/// <summary>Deletes rows that retention has passed and things that nothing refers to, in pieces that hold nobody up.</summary>
internal static class Collector
{
    /// <summary>
    /// How young a package may be and not be collected, though no revision refers to it: a deploy puts the package, then
    /// commits the revision.
    /// </summary>
    public static readonly TimeSpan PackageGrace = TimeSpan.FromHours(1);

    /// <summary>
    /// How young an event may be and not be collected, though no open invocation refers to it: its row may never have been
    /// written while it still waits in the broker, for six hours at most.
    /// </summary>
    public static readonly TimeSpan PayloadGrace = TimeSpan.FromDays(1);

    // What was accepted right before the deletion of its function has ended by then.
    private static readonly TimeSpan FunctionGrace = TimeSpan.FromDays(1);

    private const int Piece = 1000;

    public static async Task<long> DeleteRowsAsync(Database database, string table, Guid before, CancellationToken cancellationToken)
    {
        var statement =
            $"""
            DELETE FROM {table} WHERE invocation_id IN (
                SELECT invocation_id FROM {table} WHERE invocation_id < @before ORDER BY invocation_id LIMIT {Piece})
            """;
        for (var total = 0L; ;)
        {
            var deleted = await ExecuteAsync(database, statement, new { before }, cancellationToken).ConfigureAwait(false);
            total += deleted;
            if (deleted == 0)
            {
                return total;
            }
        }
    }

    /// <summary>Functions that were deleted before the given time, with their revisions: their last invocations are gone by retention.</summary>
    public static Task<long> DeleteFunctionsAsync(Database database, DateTimeOffset before, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var parameters = new { before = before - FunctionGrace };
            await connection.ExecuteAsync(new CommandDefinition(
                "DELETE FROM revisions WHERE function_id IN (SELECT function_id FROM functions WHERE deleted_at < @before)",
                parameters,
                transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            return (long)await connection.ExecuteAsync(new CommandDefinition(
                "DELETE FROM functions WHERE deleted_at < @before", parameters, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>
    /// A deploy that renews the package at the same time holds its row: the delete waits for it, looks at the row again
    /// and finds it young.
    /// </summary>
    public static async Task<long> DeletePackagesAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            return await ExecuteAsync(
                database,
                """
                DELETE FROM packages
                WHERE renewed_at < @before AND NOT EXISTS (SELECT 1 FROM revisions WHERE revisions.package_sha256 = packages.sha256)
                """,
                new { before = now - PackageGrace },
                cancellationToken).ConfigureAwait(false);
        }
        catch (DbException)
        {
            // The foreign key: a deploy, whose clock is far behind, committed a revision meanwhile. The next round sees it.
            return 0;
        }
    }

    public static Task<long> DeletePayloadsAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken) => ExecuteAsync(
        database,
        """
        DELETE FROM payloads
        WHERE created_at < @before AND NOT EXISTS (
            SELECT 1 FROM invocations
            WHERE invocations.invocation_id = payloads.invocation_id
              AND (invocations.state IN ('queued', 'running') OR invocations.event_message IS NOT NULL))
        """,
        new { before = now - PayloadGrace },
        cancellationToken);

    /// <summary>Leases that lapsed, of functions of which nobody wants a slot any more.</summary>
    public static Task<long> DeleteSlotLeasesAsync(Database database, CancellationToken cancellationToken) => ExecuteAsync(
        database, $"DELETE FROM slot_leases WHERE expires_at < {database.Clock}", new { }, cancellationToken);

    /// <summary>Keys of callers that have expired.</summary>
    public static Task<long> DeleteIdempotencyKeysAsync(Database database, DateTimeOffset now, CancellationToken cancellationToken) => ExecuteAsync(
        database, "DELETE FROM idempotency_keys WHERE expires_at <= @now", new { now }, cancellationToken);

    private static Task<long> ExecuteAsync(Database database, string statement, object parameters, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) => (long)await connection.ExecuteAsync(
            new CommandDefinition(statement, parameters, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false),
        cancellationToken);
}

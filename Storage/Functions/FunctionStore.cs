using System.Text.Json;
using Dapper;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Functions;

/// <inheritdoc cref="IFunctionStore"/>
internal sealed class FunctionStore(Database database, TimeProvider time) : IFunctionStore
{
    private const string Select =
        """
        SELECT f.function_id, f.account_id, r.revision, r.manifest, r.package_sha256, r.package_bytes, r.created_at
        FROM functions f JOIN revisions r ON r.function_id = f.function_id
        """;

    public Task<FunctionRevision> AddRevisionAsync(
        string accountId, FunctionManifest manifest, string packageSha256, long packageBytes, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var now = Stored.Time(time.GetUtcNow());

                // Locks the package and makes it young: a collector that has it in view waits here, then leaves it alone.
                var kept = await connection.ExecuteAsync(new CommandDefinition(
                    "UPDATE packages SET renewed_at = @now WHERE sha256 = @packageSha256",
                    new { now, packageSha256 },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                if (kept == 0)
                {
                    throw new InvalidOperationException(
                        $"Package '{packageSha256}' is not in the store; expected it to be put before the revision of function '{manifest.Name}'. Deploy again.");
                }

                // The upsert locks the function, so concurrent deploys count one after another.
                var (functionId, revision) = await connection.QuerySingleAsync<(Guid, int)>(new CommandDefinition(
                    """
                    INSERT INTO functions (function_id, account_id, name, revision, created_at)
                    VALUES (@functionId, @accountId, @Name, 1, @now)
                    ON CONFLICT (account_id, name) WHERE deleted_at IS NULL DO UPDATE SET revision = functions.revision + 1
                    RETURNING function_id, revision
                    """,
                    new { functionId = Uuid7.New(time), accountId, manifest.Name, now },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                await connection.ExecuteAsync(new CommandDefinition(
                    """
                    INSERT INTO revisions (function_id, revision, manifest, package_sha256, package_bytes, created_at, min_instances)
                    VALUES (@functionId, @revision, @manifest, @packageSha256, @packageBytes, @now, @MinInstances)
                    """,
                    new { functionId, revision, manifest = JsonSerializer.Serialize(manifest, Stored.Json), packageSha256, packageBytes, now, manifest.MinInstances },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return new FunctionRevision
                {
                    FunctionId = functionId,
                    AccountId = accountId,
                    Revision = revision,
                    Manifest = manifest,
                    PackageSha256 = packageSha256,
                    PackageBytes = packageBytes,
                    CreatedAt = now,
                };
            },
            cancellationToken);

    public Task<FunctionRevision?> FindAsync(string accountId, string name, CancellationToken cancellationToken) =>
        SingleAsync(
            $"{Select} AND r.revision = f.revision WHERE f.account_id = @accountId AND f.name = @name AND f.deleted_at IS NULL",
            new { accountId, name },
            cancellationToken);

    public Task<FunctionRevision?> FindRevisionAsync(Guid functionId, int revision, CancellationToken cancellationToken) =>
        SingleAsync($"{Select} WHERE f.function_id = @functionId AND r.revision = @revision", new { functionId, revision }, cancellationToken);

    public Task<FunctionRevision?> FindCurrentAsync(Guid functionId, CancellationToken cancellationToken) =>
        SingleAsync(
            $"{Select} AND r.revision = f.revision WHERE f.function_id = @functionId AND f.deleted_at IS NULL", new { functionId }, cancellationToken);

    public Task<IReadOnlyList<FunctionRevision>> ListAsync(string accountId, string? afterName, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(limit, Math.Clamp(limit, 1, 1000));
        return ManyAsync(
            $"""
            {Select} AND r.revision = f.revision
            WHERE f.account_id = @accountId AND f.name > @afterName AND f.deleted_at IS NULL ORDER BY f.name LIMIT @limit
            """,
            new { accountId, afterName = afterName ?? "", limit },
            cancellationToken);
    }

    public Task<IReadOnlyList<FunctionRevision>> ListRevisionsAsync(string accountId, string name, CancellationToken cancellationToken) =>
        ManyAsync(
            $"{Select} WHERE f.account_id = @accountId AND f.name = @name AND f.deleted_at IS NULL ORDER BY r.revision DESC",
            new { accountId, name },
            cancellationToken);

    public Task<IReadOnlyList<FunctionRevision>> ListKeptLoadedAsync(CancellationToken cancellationToken) =>
        ManyAsync($"{Select} AND r.revision = f.revision WHERE r.min_instances > 0 AND f.deleted_at IS NULL", new { }, cancellationToken);

    public Task<Guid?> DeleteAsync(string accountId, string name, CancellationToken cancellationToken) =>
        database.WriteAsync(
            (connection, transaction) => connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
                """
                UPDATE functions SET deleted_at = @now
                WHERE account_id = @accountId AND name = @name AND deleted_at IS NULL
                RETURNING function_id
                """,
                new { now = time.GetUtcNow(), accountId, name },
                transaction,
                cancellationToken: cancellationToken)),
            cancellationToken);

    public Task<IReadOnlyList<Guid>> ListIdsAsync(Guid after, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<Guid>>(
            async connection =>
            {
                var found = await connection.QueryAsync<Guid>(new CommandDefinition(
                    "SELECT function_id FROM functions WHERE deleted_at IS NULL AND function_id > @after ORDER BY function_id LIMIT @limit",
                    new { after, limit },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return found.AsList();
            },
            cancellationToken);

    public Task<IReadOnlyList<Guid>> ListWaitingAsync(DateTimeOffset queuedBefore, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<Guid>>(
            async connection =>
            {
                // Steps from function to function by the index: a queue of a million rows costs one step. Running rows count as well: the
                // worker that marked them may be gone, and their messages wait again.
                var found = await connection.QueryAsync<Guid>(new CommandDefinition(
                    """
                    WITH RECURSIVE waiting (function_id) AS (
                        SELECT (SELECT function_id FROM invocations
                                WHERE state IN ('queued', 'running') AND due_at < @queuedBefore
                                ORDER BY function_id LIMIT 1)
                        UNION ALL
                        SELECT (SELECT i.function_id FROM invocations i
                                WHERE i.state IN ('queued', 'running') AND i.due_at < @queuedBefore
                                  AND i.function_id > waiting.function_id
                                ORDER BY i.function_id LIMIT 1)
                        FROM waiting WHERE waiting.function_id IS NOT NULL)
                    SELECT function_id FROM waiting WHERE function_id IS NOT NULL LIMIT @limit
                    """,
                    new { queuedBefore, limit },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return found.AsList();
            },
            cancellationToken);

    public Task<IReadOnlyList<Guid>> ListDeletedAsync(DateTimeOffset since, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<Guid>>(
            async connection => (await connection.QueryAsync<Guid>(new CommandDefinition(
                "SELECT function_id FROM functions WHERE deleted_at >= @since ORDER BY deleted_at LIMIT @limit",
                new { since, limit },
                cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList(),
            cancellationToken);

    private Task<FunctionRevision?> SingleAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async connection => (await connection.QuerySingleOrDefaultAsync<RevisionRow>(
                new CommandDefinition(sql, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false))?.ToRevision(),
            cancellationToken);

    private Task<IReadOnlyList<FunctionRevision>> ManyAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<FunctionRevision>>(
            async connection =>
            {
                var rows = await connection.QueryAsync<RevisionRow>(
                    new CommandDefinition(sql, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false);
                return [.. rows.Select(row => row.ToRevision())];
            },
            cancellationToken);

    private sealed class RevisionRow
    {
        public Guid FunctionId { get; init; }

        public string AccountId { get; init; } = "";

        public int Revision { get; init; }

        public string Manifest { get; init; } = "";

        public string PackageSha256 { get; init; } = "";

        public long PackageBytes { get; init; }

        public DateTimeOffset CreatedAt { get; init; }

        public FunctionRevision ToRevision() => new()
        {
            FunctionId = FunctionId,
            AccountId = AccountId,
            Revision = Revision,
            Manifest = JsonSerializer.Deserialize<FunctionManifest>(Manifest, Stored.Json)!,
            PackageSha256 = PackageSha256,
            PackageBytes = PackageBytes,
            CreatedAt = CreatedAt,
        };
    }
}

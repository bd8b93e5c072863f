using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Packages;

/// <inheritdoc cref="IPackageStore"/>
internal sealed class PackageStore(Database database, TimeProvider time) : IPackageStore
{
    public Task PutAsync(string sha256, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                // The bytes need not travel if they are there.
                var now = time.GetUtcNow();
                var renewed = await connection.ExecuteAsync(new CommandDefinition(
                    "UPDATE packages SET renewed_at = @now WHERE sha256 = @sha256",
                    new { now, sha256 },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return renewed > 0
                    ? renewed
                    : await connection.ExecuteAsync(new CommandDefinition(
                        """
                        INSERT INTO packages (sha256, bytes, renewed_at) VALUES (@sha256, @bytes, @now)
                        ON CONFLICT (sha256) DO UPDATE SET renewed_at = excluded.renewed_at
                        """,
                        new { sha256, bytes = Stored.Bytes(bytes), now },
                        transaction,
                        cancellationToken: cancellationToken)).ConfigureAwait(false);
            },
            cancellationToken);

    public Task<byte[]?> FindAsync(string sha256, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.QuerySingleOrDefaultAsync<byte[]?>(new CommandDefinition(
                "SELECT bytes FROM packages WHERE sha256 = @sha256",
                new { sha256 },
                cancellationToken: cancellationToken)),
            cancellationToken);
}

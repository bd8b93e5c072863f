using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Packages;

/// <inheritdoc cref="IPayloadStore"/>
internal sealed class PayloadStore(Database database, TimeProvider time) : IPayloadStore
{
    public Task PutAsync(Guid invocationId, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        database.WriteAsync(
            (connection, transaction) => connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO payloads (invocation_id, bytes, created_at) VALUES (@invocationId, @bytes, @now)
                ON CONFLICT (invocation_id) DO NOTHING
                """,
                new { invocationId, bytes = Stored.Bytes(bytes), now = time.GetUtcNow() },
                transaction,
                cancellationToken: cancellationToken)),
            cancellationToken);

    public Task<byte[]?> FindAsync(Guid invocationId, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.QuerySingleOrDefaultAsync<byte[]?>(new CommandDefinition(
                "SELECT bytes FROM payloads WHERE invocation_id = @invocationId",
                new { invocationId },
                cancellationToken: cancellationToken)),
            cancellationToken);
}

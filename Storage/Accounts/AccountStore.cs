using Dapper;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Accounts;

/// <inheritdoc cref="IAccountStore"/>
internal sealed class AccountStore(Database database, TimeProvider time) : IAccountStore
{
    public Task EnsureDefaultAsync(CancellationToken cancellationToken) =>
        database.WriteAsync(
            (connection, transaction) => connection.ExecuteAsync(new CommandDefinition(
                "INSERT INTO accounts (account_id, created_at) VALUES (@accountId, @now) ON CONFLICT (account_id) DO NOTHING",
                new { accountId = WellKnownAccounts.Default, now = time.GetUtcNow() },
                transaction,
                cancellationToken: cancellationToken)),
            cancellationToken);

    public Task AddKeyAsync(string accountId, string name, string keySha256, CancellationToken cancellationToken) =>
        database.WriteAsync(
            (connection, transaction) => connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO api_keys (key_sha256, account_id, name, created_at) VALUES (@keySha256, @accountId, @name, @now)
                ON CONFLICT (key_sha256) DO NOTHING
                """,
                new { keySha256, accountId, name = Stored.Text(name), now = time.GetUtcNow() },
                transaction,
                cancellationToken: cancellationToken)),
            cancellationToken);

    public Task<string?> FindAccountByKeyAsync(string keySha256, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
                "SELECT account_id FROM api_keys WHERE key_sha256 = @keySha256",
                new { keySha256 },
                cancellationToken: cancellationToken)),
            cancellationToken);
}

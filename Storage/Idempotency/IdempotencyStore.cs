using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Idempotency;

/// <inheritdoc cref="IIdempotencyStore"/>
internal sealed class IdempotencyStore(Database database, TimeProvider time) : IIdempotencyStore
{
    private const string Claim =
        """
        INSERT INTO idempotency_keys (function_id, key_sha256, account_id, request_sha256, invocation_id, is_confirmed, busy_until, expires_at)
        VALUES (@FunctionId, @KeySha256, @AccountId, @RequestSha256, @InvocationId, false, @BusyUntil, @ExpiresAt)
        ON CONFLICT (function_id, key_sha256) DO UPDATE SET
            account_id = excluded.account_id, request_sha256 = excluded.request_sha256, invocation_id = excluded.invocation_id,
            is_confirmed = false, busy_until = excluded.busy_until, expires_at = excluded.expires_at
        WHERE idempotency_keys.expires_at <= @Now
        """;

    private const string Find =
        "SELECT invocation_id, request_sha256, is_confirmed, busy_until FROM idempotency_keys WHERE function_id = @FunctionId AND key_sha256 = @KeySha256";

    private const string Mine = "function_id = @FunctionId AND key_sha256 = @KeySha256 AND invocation_id = @InvocationId AND NOT is_confirmed";

    public Task<IdempotencyEntry?> ClaimAsync(IdempotencyClaim claim, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var values = Values(claim);
            while (true)
            {
                if (await connection.ExecuteAsync(new CommandDefinition(Claim, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false) == 1)
                {
                    return null;
                }

                // Gone between the two statements only if it was released just now.
                if (await connection.QuerySingleOrDefaultAsync<Row>(
                    new CommandDefinition(Find, values, transaction, cancellationToken: cancellationToken)).ConfigureAwait(false) is { } row)
                {
                    return row.ToEntry();
                }
            }
        },
        cancellationToken);

    public async Task<bool> TakeOverAsync(IdempotencyClaim claim, IdempotencyEntry seen, CancellationToken cancellationToken) => await ExecuteAsync(
        """
        UPDATE idempotency_keys SET invocation_id = @InvocationId, busy_until = @BusyUntil, expires_at = @ExpiresAt
        WHERE function_id = @FunctionId AND key_sha256 = @KeySha256 AND NOT is_confirmed AND invocation_id = @SeenId AND busy_until = @SeenBusyUntil
        """,
        Values(claim, seen),
        cancellationToken).ConfigureAwait(false) == 1;

    public Task ConfirmAsync(IdempotencyClaim claim, CancellationToken cancellationToken) =>
        ExecuteAsync($"UPDATE idempotency_keys SET is_confirmed = true WHERE {Mine}", Values(claim), cancellationToken);

    public Task ReleaseAsync(IdempotencyClaim claim, CancellationToken cancellationToken) =>
        ExecuteAsync($"DELETE FROM idempotency_keys WHERE {Mine}", Values(claim), cancellationToken);

    public Task GiveUpAsync(IdempotencyClaim claim, CancellationToken cancellationToken) =>
        ExecuteAsync($"UPDATE idempotency_keys SET busy_until = @Now WHERE {Mine}", Values(claim), cancellationToken);

    private Task<int> ExecuteAsync(string statement, object values, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) => connection.ExecuteAsync(new CommandDefinition(statement, values, transaction, cancellationToken: cancellationToken)),
        cancellationToken);

    private object Values(IdempotencyClaim claim, IdempotencyEntry? seen = null) => new
    {
        claim.FunctionId,
        claim.KeySha256,
        AccountId = Stored.Text(claim.AccountId),
        claim.RequestSha256,
        claim.InvocationId,
        claim.BusyUntil,
        claim.ExpiresAt,
        Now = time.GetUtcNow(),
        SeenId = seen?.InvocationId ?? default,
        SeenBusyUntil = seen?.BusyUntil ?? default,
    };

    private sealed class Row
    {
        public Guid InvocationId { get; init; }

        public string RequestSha256 { get; init; } = "";

        public bool IsConfirmed { get; init; }

        public DateTimeOffset BusyUntil { get; init; }

        public IdempotencyEntry ToEntry() => new()
        {
            InvocationId = InvocationId,
            RequestSha256 = RequestSha256,
            IsConfirmed = IsConfirmed,
            BusyUntil = BusyUntil,
        };
    }
}

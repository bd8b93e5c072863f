using Dapper;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.DeadLetters;

/// <inheritdoc cref="IEventStore"/>
internal sealed class EventStore(Database database, Restarter restarter) : IEventStore
{
    private static readonly string Columns = $"{InvocationRow.ColumnsOf("i")}, i.event_message";

    public Task<KeptEvent?> FindAsync(string accountId, Guid invocationId, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<EventRow>(new CommandDefinition(
                $"""
                SELECT {Columns}, CASE WHEN i.body_is_stored THEN payloads.bytes ELSE i.event_body END AS event_body
                FROM invocations i LEFT JOIN payloads ON payloads.invocation_id = i.invocation_id
                WHERE i.invocation_id = @invocationId AND i.account_id = @accountId AND i.event_message IS NOT NULL
                """,
                new { invocationId, accountId },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            return row?.EventBody is { } body ? new KeptEvent(row.ToKeptMessage(), body) : null;
        },
        cancellationToken);

    public Task<IReadOnlyDictionary<Guid, InvocationMessage>> FindMessagesAsync(
        string accountId, IReadOnlyList<Guid> invocationIds, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyDictionary<Guid, InvocationMessage>>(
        async connection =>
        {
            var rows = await connection.QueryAsync<EventRow>(new CommandDefinition(
                $"""
                SELECT {Columns} FROM invocations i
                WHERE i.invocation_id {database.IsIn("@ids")} AND i.account_id = @accountId AND {RestartSql.HasEvent("i")}
                """,
                new { ids = invocationIds.ToArray(), accountId },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            return rows.ToDictionary(row => row.InvocationId, row => row.ToKeptMessage());
        },
        cancellationToken);

    public Task<bool> ReplayAsync(Restart restart, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var functions = await restarter.LockFunctionsAsync(connection, transaction, [restart], cancellationToken).ConfigureAwait(false);
            var isThere = functions.Count == 1 && await connection.ExecuteScalarAsync<long>(new CommandDefinition(
                $"SELECT count(*) FROM invocations i WHERE i.invocation_id = @Of AND i.account_id = @AccountId AND {RestartSql.HasEvent("i")}",
                new { restart.Of, restart.Message.AccountId },
                transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false) == 1;
            if (isThere)
            {
                await restarter.AddAsync(connection, transaction, [restart], isRedrive: false, cancellationToken).ConfigureAwait(false);
            }

            return isThere;
        },
        cancellationToken);

    private sealed class EventRow : InvocationRow
    {
        public string EventMessage { get; init; } = "";

        public byte[]? EventBody { get; init; }

        public InvocationMessage ToKeptMessage() => KeptEvents.Read(ToMessage(), EventMessage);
    }
}

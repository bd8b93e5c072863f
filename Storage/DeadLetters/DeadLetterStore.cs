using System.Data.Common;
using Dapper;
using FaasCluster.Contracts;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.DeadLetters;

/// <inheritdoc cref="IDeadLetterStore"/>
internal sealed class DeadLetterStore(Database database, Restarter restarter, TimeProvider time) : IDeadLetterStore
{
    private static readonly string Select =
        $"""
        SELECT l.state AS letter_state, l.settled_at, l.redriven_as, {InvocationRow.ColumnsOf("i")}
        FROM dead_letters l JOIN invocations i ON i.invocation_id = l.invocation_id
        """;

    public Task<DeadLetter?> FindAsync(string accountId, Guid invocationId, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<DeadLetterRow>(new CommandDefinition(
                $"{Select} WHERE l.invocation_id = @invocationId AND l.account_id = @accountId",
                new { invocationId, accountId },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            return row?.ToLetter();
        },
        cancellationToken);

    public Task<long> CountOpenAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long>(new CommandDefinition("SELECT count(*) FROM dead_letters WHERE state = 'open'", cancellationToken: cancellationToken)),
        cancellationToken);

    public Task<IReadOnlyList<DeadLetter>> ListAsync(DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(filter.Limit, Math.Clamp(filter.Limit, 1, 1000));
        var conditions = new List<string> { "l.account_id = @accountId" };
        var parameters = new DynamicParameters(new { accountId = filter.AccountId, limit = filter.Limit });
        Add("l.function_name = @functionName", "functionName", filter.FunctionName);
        Add("l.state = @state", "state", filter.State?.ToWire());
        Add("l.invocation_id >= @since", "since", filter.Since is { } since ? Uuid7.LowerBound(since) : null);
        Add("l.invocation_id < @until", "until", filter.Until is { } until ? Uuid7.LowerBound(until) : null);
        Add("l.invocation_id < @before", "before", filter.Before);
        return database.ReadAsync<IReadOnlyList<DeadLetter>>(
            async connection =>
            {
                var rows = await connection.QueryAsync<DeadLetterRow>(new CommandDefinition(
                    $"{Select} WHERE {string.Join(" AND ", conditions)} ORDER BY l.invocation_id DESC LIMIT @limit",
                    parameters,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return [.. rows.Select(row => row.ToLetter())];
            },
            cancellationToken);

        void Add(string condition, string name, object? value)
        {
            if (value is not null)
            {
                conditions.Add(condition);
                parameters.Add(name, value);
            }
        }
    }

    public Task<IReadOnlySet<Guid>> RedriveAsync(IReadOnlyList<Restart> restarts, CancellationToken cancellationToken) => restarts.Count == 0
        ? Task.FromResult<IReadOnlySet<Guid>>(new HashSet<Guid>())
        : database.WriteAsync<IReadOnlySet<Guid>>(
            async (connection, transaction) =>
            {
                var accountId = restarts[0].Message.AccountId;
                if (restarts.Any(restart => restart.Message.AccountId != accountId))
                {
                    throw new ArgumentException("The restarts are of several accounts; expected those of one.", nameof(restarts));
                }

                var functions = await restarter.LockFunctionsAsync(connection, transaction, restarts, cancellationToken).ConfigureAwait(false);
                var ids = restarts.Where(restart => functions.Contains(restart.Message.FunctionId)).Select(restart => restart.Of).ToArray();
                var open = await LockOpenAsync(
                    connection,
                    transaction,
                    accountId,
                    ids,
                    $"AND EXISTS (SELECT 1 FROM invocations i WHERE i.invocation_id = dead_letters.invocation_id AND {RestartSql.HasEvent("i")})",
                    cancellationToken).ConfigureAwait(false);
                var started = restarts.Where(restart => open.Contains(restart.Of)).DistinctBy(restart => restart.Of).ToArray();
                await restarter.AddAsync(connection, transaction, started, isRedrive: true, cancellationToken).ConfigureAwait(false);
                return started.Select(restart => restart.Of).ToHashSet();
            },
            cancellationToken);

    public Task<IReadOnlySet<Guid>> DiscardAsync(string accountId, IReadOnlyList<Guid> invocationIds, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async (connection, transaction) =>
            {
                var open = await LockOpenAsync(connection, transaction, accountId, invocationIds, "", cancellationToken).ConfigureAwait(false);
                await connection.ExecuteAsync(new CommandDefinition(
                    $"UPDATE dead_letters SET state = 'discarded', settled_at = @now WHERE invocation_id {database.IsIn("@open")}",
                    new { now = time.GetUtcNow(), open = open.ToArray() },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return open;
            },
            cancellationToken);

    // Locked in the order of their ids, so that two who settle the same letters wait for each other instead of deadlocking; whoever
    // waited finds them settled.
    private async Task<IReadOnlySet<Guid>> LockOpenAsync(
        DbConnection connection, DbTransaction transaction, string accountId, IReadOnlyList<Guid> ids, string condition, CancellationToken cancellationToken)
    {
        var open = await connection.QueryAsync<Guid>(new CommandDefinition(
            $"""
            SELECT invocation_id FROM dead_letters
            WHERE invocation_id {database.IsIn("@ids")} AND account_id = @accountId AND state = 'open' {condition}
            ORDER BY invocation_id {database.ForUpdate}
            """,
            new { ids = ids.ToArray(), accountId },
            transaction,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return open.ToHashSet();
    }

    private sealed class DeadLetterRow : InvocationRow
    {
        public string LetterState { get; init; } = "";

        public DateTimeOffset? SettledAt { get; init; }

        public Guid? RedrivenAs { get; init; }

        public DeadLetter ToLetter() => new()
        {
            Invocation = ToSummary(),
            State = DeadLetterStates.Parse(LetterState),
            SettledAt = SettledAt,
            RedrivenAs = RedrivenAs,
        };
    }
}

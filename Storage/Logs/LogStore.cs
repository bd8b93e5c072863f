using Dapper;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Sql;
using FaasCluster.Storage.Telemetry;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Logs;

/// <inheritdoc cref="ILogStore"/>
internal sealed class LogStore(Database database, StorageMetrics metrics, ILogger<LogStore> log) : ILogStore
{
    private static readonly RowSet<LogLine> Lines = new(
        Line("invocation_id", "uuid", line => line.InvocationId),
        Line("attempt", "integer", line => line.Attempt),
        Line("sequence", "integer", line => line.Sequence),
        Line("account_id", "text", line => Stored.Text(line.AccountId)),
        Line("logged_at", "timestamptz", line => Stored.Time(line.Time)),
        Line("stream", "text", line => line.Stream),
        Line("line", "text", line => Stored.Text(line.Text)));

    public Task AppendAsync(IReadOnlyList<LogLine> lines, CancellationToken cancellationToken) => Bisection.RunAsync(
        [.. lines.OrderBy(line => line.InvocationId).ThenBy(line => line.Attempt).ThenBy(line => line.Sequence)],
        (part, token) => database.ExecuteAsync(Lines, Insert, part, token),
        (line, exception) =>
        {
            metrics.Refused("log_line");
            log.LineRefused(line.InvocationId, exception);
        },
        cancellationToken);

    public Task<IReadOnlyList<LogLine>> ReadAsync(
        string accountId, Guid invocationId, (int Attempt, int Sequence)? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(limit, Math.Clamp(limit, 1, 10_000));
        return database.ReadAsync<IReadOnlyList<LogLine>>(
            async connection => (await connection.QueryAsync<LogLine>(new CommandDefinition(
                """
                SELECT invocation_id, attempt, account_id, sequence, logged_at AS time, stream, line AS text
                FROM invocation_logs
                WHERE invocation_id = @invocationId AND account_id = @accountId AND (attempt, sequence) > (@attempt, @sequence)
                ORDER BY attempt, sequence
                LIMIT @limit
                """,
                new { invocationId, accountId, attempt = after?.Attempt ?? 0, sequence = after?.Sequence ?? -1, limit },
                cancellationToken: cancellationToken)).ConfigureAwait(false)).AsList(),
            cancellationToken);
    }

    private static string Insert(string source) =>
        $"""
        INSERT INTO invocation_logs (invocation_id, attempt, sequence, account_id, logged_at, stream, line)
        SELECT invocation_id, attempt, sequence, account_id, logged_at, stream, line FROM {source} WHERE true
        ON CONFLICT (invocation_id, attempt, sequence) DO NOTHING
        """;

    private static RowSet<LogLine>.Column<TValue> Line<TValue>(string name, string type, Func<LogLine, TValue> get) => new(name, type, get);
}

using System.Data.Common;
using System.Text.Json;
using Dapper;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Outbox;

/// <summary>
/// What both outboxes share: which rows are due, and how a group of them is published. Rows of a group are published
/// concurrently, so that one slow confirm does not hold up the others.
/// </summary>
internal abstract class OutboxStore(Database database, TimeProvider time, ILogger log) : IOutboxStore
{
    // A row that could not be published must neither spin nor keep others from their turn.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private static readonly RowSet<OutboxRow> Keys = new(
        new RowSet<OutboxRow>.Column<Guid>("invocation_id", "uuid", row => row.InvocationId),
        new RowSet<OutboxRow>.Column<int>("attempt", "integer", row => row.Attempt));

    private static readonly RowSet<(OutboxRow Row, DateTimeOffset RetryAt)> Retries = new(
        new RowSet<(OutboxRow Row, DateTimeOffset RetryAt)>.Column<Guid>("invocation_id", "uuid", retry => retry.Row.InvocationId),
        new RowSet<(OutboxRow Row, DateTimeOffset RetryAt)>.Column<int>("attempt", "integer", retry => retry.Row.Attempt),
        new RowSet<(OutboxRow Row, DateTimeOffset RetryAt)>.Column<DateTimeOffset>("retry_at", "timestamptz", retry => retry.RetryAt));

    protected TimeProvider Time => time;

    public abstract Task<(int Published, DateTimeOffset? NextDueAt)> RelayDueAsync(
        int limit, Func<InvocationMessage, CancellationToken, Task<bool>> publish, CancellationToken cancellationToken);

    protected async Task<IReadOnlyList<OutboxRow>> TakeDueAsync(
        DbConnection connection, DbTransaction? transaction, DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        var rows = await connection.QueryAsync<OutboxRow>(new CommandDefinition(
            $"SELECT invocation_id, attempt, message, body FROM outbox WHERE due_at <= @now ORDER BY due_at LIMIT @limit {database.ForUpdateSkipLocked}",
            new { now, limit },
            transaction,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return rows.AsList();
    }

    /// <summary>Hands rows to the publisher. Never throws: what was published has to be deleted whatever happened to the others.</summary>
    protected async Task<bool[]> PublishAsync(
        IReadOnlyList<OutboxRow> rows, Func<InvocationMessage, CancellationToken, Task<bool>> publish, CancellationToken cancellationToken)
    {
        return await Task.WhenAll(rows.Select(async row =>
        {
            try
            {
                var message = JsonSerializer.Deserialize<InvocationMessage>(row.Message, Stored.Json)! with { Body = row.Body };
                return await publish(message, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                if (!cancellationToken.IsCancellationRequested)
                {
                    log.PublishFailed(row.InvocationId, row.Attempt, exception);
                }

                return false;
            }
        })).ConfigureAwait(false);
    }

    /// <summary>Deletes what was published, puts off what was not, and looks for the next row.</summary>
    protected async Task<(int Published, DateTimeOffset? NextDueAt)> SettleAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<OutboxRow> rows, bool[] published, DateTimeOffset now, bool more)
    {
        var done = rows.Where((_, i) => published[i]).ToList();
        var retryAt = Stored.Time(time.GetUtcNow() + RetryDelay);
        var failed = rows.Where((_, i) => !published[i]).ToList();
        await database.ExecuteAsync(
            connection,
            transaction,
            Keys,
            source => $"DELETE FROM outbox WHERE (invocation_id, attempt) IN (SELECT invocation_id, attempt FROM {source})",
            done,
            CancellationToken.None).ConfigureAwait(false);
        await database.ExecuteAsync(
            connection,
            transaction,
            Retries,
            source =>
                $"""
                UPDATE outbox SET due_at = input.retry_at FROM {source}
                WHERE outbox.invocation_id = input.invocation_id AND outbox.attempt = input.attempt
                """,
            [.. failed.Select(row => (row, retryAt))],
            CancellationToken.None).ConfigureAwait(false);

        // Rows that were due and not taken are in the hands of another node, unless there were more than the limit.
        var next = await connection.QueryFirstOrDefaultAsync<DateTimeOffset?>(
            "SELECT due_at FROM outbox WHERE due_at > @after ORDER BY due_at LIMIT 1",
            new { after = more ? DateTimeOffset.UnixEpoch : now },
            transaction).ConfigureAwait(false);
        return (done.Count, next);
    }

    /// <summary>A row of the outbox.</summary>
    protected sealed class OutboxRow
    {
        public Guid InvocationId { get; init; }

        public int Attempt { get; init; }

        public string Message { get; init; } = "";

        public byte[] Body { get; init; } = [];
    }
}

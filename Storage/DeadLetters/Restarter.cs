using System.Data.Common;
using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.DeadLetters;

/// <summary>Runs the statements of <see cref="RestartSql"/> within a transaction.</summary>
internal sealed class Restarter(Database database, TimeProvider time)
{
    /// <summary>Adds the rows of new invocations; of re-drives also settles the letters, which the caller has locked.</summary>
    public async Task AddAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<Restart> restarts, bool isRedrive, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var rows = restarts.Select(restart => new RestartSql.Row(restart, isRedrive, now)).ToArray();
        List<Func<string, string>> statements = [RestartSql.AddInvocations, RestartSql.CopyPayloads, RestartSql.QueueFirst];
        if (isRedrive)
        {
            statements.Insert(0, RestartSql.SettleLetters);
        }

        foreach (var statement in statements)
        {
            await database.ExecuteAsync(connection, transaction, RestartSql.Rows, statement, rows, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Those functions that are there; they stay until the transaction ends.</summary>
    public async Task<IReadOnlySet<Guid>> LockFunctionsAsync(
        DbConnection connection, DbTransaction transaction, IEnumerable<Restart> restarts, CancellationToken cancellationToken)
    {
        var ids = restarts.Select(restart => restart.Message.FunctionId).Distinct().ToArray();
        var found = await connection.QueryAsync<Guid>(new CommandDefinition(
            $"SELECT function_id FROM functions WHERE function_id {database.IsIn("@ids")} AND deleted_at IS NULL ORDER BY function_id {database.ForShare}",
            new { ids },
            transaction,
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        return found.ToHashSet();
    }
}

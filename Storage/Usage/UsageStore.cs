using System.Globalization;
using Dapper;
using FaasCluster.Contracts;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Usage;

/// <inheritdoc cref="IUsageStore"/>
internal sealed class UsageStore(Database database) : IUsageStore
{
    public Task<IReadOnlyList<FunctionUsage>> ByFunctionAsync(
        string accountId, DateTimeOffset since, DateTimeOffset until, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<FunctionUsage>>(
            async connection =>
            {
                // The dialect says how decimals are summed: exact by PostgreSQL; SQLite would round them to doubles, so there
                // each distinct value comes with its count and the sum is made here.
                var rows = await connection.QueryAsync<UsageRow>(new CommandDefinition(
                    $"""
                    SELECT function_name, count(*) AS attempts,
                        sum(CASE WHEN error_code IS NULL THEN 0 ELSE 1 END) AS errors,
                        sum(CASE WHEN cold_start THEN 1 ELSE 0 END) AS cold_starts,
                        CAST(sum(billed_ms) AS bigint) AS billed_ms,
                        {database.DecimalSums}
                    FROM billing_records
                    WHERE account_id = @accountId AND invocation_id >= @since AND invocation_id < @until
                    GROUP BY {database.DecimalGroups("function_name")}
                    ORDER BY function_name
                    """,
                    new { accountId, since = Uuid7.LowerBound(since), until = Uuid7.LowerBound(until) },
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                return [.. rows.GroupBy(row => row.FunctionName).Select(Sum)];
            },
            cancellationToken);

    private static FunctionUsage Sum(IGrouping<string, UsageRow> rows) => new()
    {
        FunctionName = rows.Key,
        Attempts = rows.Sum(row => row.Attempts),
        Errors = rows.Sum(row => row.Errors),
        ColdStarts = rows.Sum(row => row.ColdStarts),
        BilledMilliseconds = rows.Sum(row => row.BilledMs),
        GigabyteSeconds = rows.Sum(row => row.Times * Parse(row.GbSeconds)),
        Cost = rows.Sum(row => row.Times * Parse(row.Cost)),
    };

    // As text, because a sum may have more digits than a decimal; parsing rounds it.
    private static decimal Parse(string number) => decimal.Parse(number, NumberStyles.Number, CultureInfo.InvariantCulture);

    private sealed class UsageRow
    {
        public string FunctionName { get; init; } = "";

        public long Attempts { get; init; }

        public long Errors { get; init; }

        public long ColdStarts { get; init; }

        public long BilledMs { get; init; }

        public long Times { get; init; }

        public string GbSeconds { get; init; } = "";

        public string Cost { get; init; } = "";
    }
}

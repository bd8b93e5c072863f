using System.Diagnostics;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Accounts;
using Npgsql;

namespace FaasCluster.Bench.Records;

/// <summary>Counts what is committed in the platform's database: the only proof that something was done.</summary>
internal sealed class RecordCounter : IAsyncDisposable
{
    private const string OfFunction = "account_id = @account AND function_name = @function";
    private const string Ended = "state NOT IN ('queued', 'running')";

    private readonly NpgsqlDataSource source;

    public RecordCounter(string connectionString) => source = NpgsqlDataSource.Create(connectionString);

    /// <summary>Invocations of the function, accepted since then, that have ended.</summary>
    public Task<long> EndedAsync(string function, DateTimeOffset since, CancellationToken cancellationToken) =>
        CountAsync($"SELECT count(*) FROM invocations WHERE {OfFunction} AND invocation_id >= @since AND {Ended}", function, since, cancellationToken);

    /// <summary>
    /// Returns when so many have ended, with the timestamp at which that was seen. It looks the more often the nearer the end
    /// is: looking costs the database time that it needs for what is measured.
    /// </summary>
    public async Task<long> WhenEndedAsync(string function, DateTimeOffset since, long count, TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var ended = await EndedAsync(function, since, cancellationToken);
            var now = Stopwatch.GetTimestamp();
            if (ended == count)
            {
                return now;
            }

            var elapsed = Stopwatch.GetElapsedTime(started, now);
            if (ended > count || elapsed > limit)
            {
                throw new BenchFailedException($"{function}: {count} were accepted, but {ended} have ended after {elapsed.TotalSeconds:0.0} s.");
            }

            var remaining = ended == 0 ? 50 : elapsed.TotalMilliseconds / ended * (count - ended);
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Clamp(remaining / 4, 5, 100)), cancellationToken);
        }
    }

    /// <summary>
    /// Fails unless there are exactly so many: records of success, bills, and executions counted inside the function.
    /// </summary>
    public async Task VerifyAsync(string function, long expected, CancellationToken cancellationToken)
    {
        var records = await CountAsync($"SELECT count(*) FROM invocations WHERE {OfFunction}", function, default, cancellationToken);
        var succeeded = await CountAsync($"SELECT count(*) FROM invocations WHERE {OfFunction} AND state = 'succeeded'", function, default, cancellationToken);
        var bills = await CountAsync(
            $"SELECT count(*) FROM billing_records b JOIN invocations i USING (invocation_id) WHERE i.account_id = @account AND i.function_name = @function",
            function,
            default,
            cancellationToken);

        // Every sandbox numbers its executions and answers with the number: the highest one of each is how often it really ran.
        var executions = await CountAsync(
            $"""
            SELECT coalesce(sum(highest), 0)::bigint FROM (
                SELECT max((answer ->> 'n')::bigint) AS highest FROM (
                    SELECT convert_from(result_body, 'UTF8')::json AS answer FROM invocations WHERE {OfFunction} AND state = 'succeeded') AS answers
                GROUP BY answer ->> 's') AS sandboxes
            """,
            function,
            default,
            cancellationToken);
        if (records != expected || succeeded != expected || bills != expected || executions != expected)
        {
            throw new BenchFailedException(
                $"{function}: {expected} invocations were made; recorded are {records}, succeeded {succeeded}, billed {bills}, executed {executions}. All five must agree.");
        }
    }

    /// <summary>
    /// Transactions that wrote something since the server's data was made. The counter of transaction ids is exact at once;
    /// pg_stat_database lags by seconds and counts looks as well.
    /// </summary>
    public async Task<long> WriteTransactionsAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    private async Task<long> CountAsync(string statement, string function, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(statement);
        command.Parameters.AddWithValue("account", WellKnownAccounts.Default);
        command.Parameters.AddWithValue("function", function);
        if (since != default)
        {
            command.Parameters.AddWithValue("since", Uuid7.LowerBound(since));
        }

        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}

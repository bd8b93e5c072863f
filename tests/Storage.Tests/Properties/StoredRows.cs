using Dapper;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Tests.Properties;

/// <summary>What stands in the tables, past the store's own ways of reading them.</summary>
internal static class StoredRows
{
    private static readonly string[] Tables = ["outbox", "dead_letters", "payloads", "start_marks", "billing_records", "invocations"];

    /// <summary>Every invocation, one line each: state, attempts, bills, outbox, letter.</summary>
    public static Task<SortedDictionary<Guid, string>> ReadAsync(StoreNode node) => node.Get<Database>().ReadAsync(
        async connection =>
        {
            var rows = await connection.QueryAsync<(Guid Id, string State, int Attempt, int Recorded)>(
                "SELECT invocation_id, state, attempt, recorded_attempt FROM invocations");
            var bills = (await connection.QueryAsync<(Guid Id, int Attempt, string State)>(
                "SELECT invocation_id, attempt, state FROM billing_records ORDER BY attempt")).ToLookup(bill => bill.Id, bill => $"{bill.Attempt}:{bill.State}");
            var outbox = (await connection.QueryAsync<(Guid Id, int Attempt)>(
                "SELECT invocation_id, attempt FROM outbox ORDER BY attempt")).ToLookup(row => row.Id, row => row.Attempt);
            var letters = (await connection.QueryAsync<(Guid Id, string State)>(
                "SELECT invocation_id, state FROM dead_letters")).ToDictionary(letter => letter.Id, letter => letter.State);
            var found = new SortedDictionary<Guid, string>(rows.ToDictionary(
                row => row.Id,
                row => Line(row.State, row.Attempt, row.Recorded, bills[row.Id], outbox[row.Id], letters.GetValueOrDefault(row.Id))));

            // What belongs to no invocation would be lost from sight.
            Assert.All(bills.Select(bill => bill.Key).Concat(outbox.Select(row => row.Key)).Concat(letters.Keys), id => Assert.Contains(id, found.Keys));
            return found;
        },
        default);

    public static string Line(string state, int attempt, int recorded, IEnumerable<string> bills, IEnumerable<int> outbox, string? letter) =>
        $"{state} attempt {attempt} recorded {recorded} bills [{string.Join(' ', bills)}] outbox [{string.Join(' ', outbox)}] letter {letter ?? "none"}";

    public static Task<bool> ClearAsync(StoreNode node) => node.Get<Database>().WriteAsync(
        async (connection, transaction) =>
        {
            foreach (var table in Tables)
            {
                await connection.ExecuteAsync($"DELETE FROM {table}", transaction: transaction);
            }

            return true;
        },
        default);
}

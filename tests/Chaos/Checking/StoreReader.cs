using System.Data.Common;
using System.Globalization;

namespace FaasCluster.Chaos.Checking;

/// <summary>Reads the store past the product, in both dialects.</summary>
internal static class StoreReader
{
    public static Task<List<StoredInvocation>> InvocationsAsync(DbConnection store) => ReadAsync(
        store,
        "SELECT invocation_id, function_name, kind, state, recorded_attempt, result_body FROM invocations",
        row => new StoredInvocation(Id(row, 0), row.GetString(1), row.GetString(2), row.GetString(3), Number(row, 4), row.IsDBNull(5) ? null : (byte[])row.GetValue(5)));

    public static Task<List<StoredBill>> BillsAsync(DbConnection store) => ReadAsync(
        store,
        "SELECT invocation_id, attempt, function_name, state, error_code, cold_start, billed_ms, CAST(gb_seconds AS text), CAST(cost AS text) FROM billing_records",
        row => new StoredBill(
            Id(row, 0),
            Number(row, 1),
            row.GetString(2),
            row.GetString(3),
            row.IsDBNull(4) ? null : row.GetString(4),
            Convert.ToBoolean(row.GetValue(5), CultureInfo.InvariantCulture),
            Convert.ToInt64(row.GetValue(6), CultureInfo.InvariantCulture),
            Decimal(row, 7),
            Decimal(row, 8)));

    /// <summary>Rows that are still to be done something about.</summary>
    public static async Task<long> OpenAsync(DbConnection store) =>
        await CountAsync(store, "SELECT count(*) FROM invocations WHERE state IN ('queued', 'running')") + await CountAsync(store, "SELECT count(*) FROM outbox");

    /// <summary>Invocations of a function that have not ended.</summary>
    public static Task<long> OpenAsync(DbConnection store, string function) =>
        CountAsync(store, $"SELECT count(*) FROM invocations WHERE state IN ('queued', 'running') AND function_name = '{function}'");

    public static async Task<long> CountAsync(DbConnection store, string statement)
    {
        await using var command = store.CreateCommand();
        command.CommandText = statement;
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    private static async Task<List<T>> ReadAsync<T>(DbConnection store, string statement, Func<DbDataReader, T> read)
    {
        await using var command = store.CreateCommand();
        command.CommandText = statement;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private static Guid Id(DbDataReader row, int column) => row.GetValue(column) is Guid id ? id : Guid.Parse(row.GetString(column));

    private static int Number(DbDataReader row, int column) => Convert.ToInt32(row.GetValue(column), CultureInfo.InvariantCulture);

    private static decimal Decimal(DbDataReader row, int column) => decimal.Parse(row.GetString(column), NumberStyles.Float, CultureInfo.InvariantCulture);
}

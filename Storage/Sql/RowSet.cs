using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace FaasCluster.Storage.Sql;

/// <summary>
/// The columns in which rows of one kind travel to the store: as one array per column on PostgreSQL (any number of rows in
/// one prepared statement), as one parameter per column on SQLite.
/// </summary>
internal sealed class RowSet<T>(params RowSet<T>.Column[] columns)
{
    /// <summary>For the FROM clause on PostgreSQL.</summary>
    public string ArraySource { get; } =
        $"unnest({string.Join(", ", columns.Select((column, i) => $"${i + 1}::{column.PostgresType}[]"))}) AS input ({Names(columns)})";

    /// <summary>For the FROM clause on SQLite.</summary>
    public string RowSource { get; } =
        $"(SELECT {string.Join(", ", columns.Select(column => $"@{column.Name} AS {column.Name}"))}) AS input";

    /// <summary>One parameter per column, each with the values of all rows.</summary>
    public void AddArrays(NpgsqlParameterCollection parameters, IReadOnlyList<T> rows)
    {
        foreach (var column in columns)
        {
            parameters.Add(column.ToArray(rows));
        }
    }

    /// <summary>One parameter per column, without values.</summary>
    public void AddParameters(SqliteParameterCollection parameters)
    {
        foreach (var column in columns)
        {
            parameters.Add(new SqliteParameter { ParameterName = "@" + column.Name });
        }
    }

    /// <summary>Sets the parameters of <see cref="AddParameters"/> to the values of one row.</summary>
    public void SetParameters(DbParameterCollection parameters, T row)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            parameters[i].Value = columns[i].Get(row) ?? DBNull.Value;
        }
    }

    private static string Names(Column[] columns) => string.Join(", ", columns.Select(column => column.Name));

    /// <summary>A column by its name in statements and its type on PostgreSQL.</summary>
    public abstract class Column(string name, string postgresType)
    {
        public string Name => name;

        public string PostgresType => postgresType;

        public abstract object? Get(T row);

        public abstract NpgsqlParameter ToArray(IReadOnlyList<T> rows);
    }

    /// <summary>A column whose values are of one .NET type; a nullable one for columns that may be NULL.</summary>
    public sealed class Column<TValue>(string name, string postgresType, Func<T, TValue> get) : Column(name, postgresType)
    {
        public override object? Get(T row) => get(row);

        public override NpgsqlParameter ToArray(IReadOnlyList<T> rows)
        {
            var values = new TValue[rows.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = get(rows[i]);
            }

            return new NpgsqlParameter<TValue[]> { TypedValue = values };
        }
    }
}

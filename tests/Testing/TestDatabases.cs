using System.Diagnostics;
using Npgsql;

namespace FaasCluster.Testing;

/// <summary>Databases on the server that ./test started.</summary>
public static class TestDatabases
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Makes one.</summary>
    public static Task CreateAsync(string server, string name) => WhenUnusedAsync(server, $"CREATE DATABASE {name}");

    /// <summary>Removes one, whoever is connected to it; fine if it is not there.</summary>
    public static Task DropAsync(string server, string name) => WhenUnusedAsync(server, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");

    // The server gives sessions that it ends five seconds to be gone, which those of a busy machine may not be.
    private static async Task WhenUnusedAsync(string server, string statement)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await using var source = NpgsqlDataSource.Create(server);
                await using var command = source.CreateCommand(statement);
                command.CommandTimeout = (int)Patience.TotalSeconds;
                await command.ExecuteNonQueryAsync();
                return;
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.ObjectInUse && clock.Elapsed < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }
    }
}

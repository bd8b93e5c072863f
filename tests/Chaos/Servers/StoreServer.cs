using System.Globalization;
using Npgsql;

namespace FaasCluster.Chaos.Servers;

/// <summary>A PostgreSQL of the run's own.</summary>
internal sealed class StoreServer(string directory, int port)
{
    public int Port => port;

    public string ConnectionString { get; private set; } = "";

    public async Task StartAsync() => ConnectionString = (await ServerScript.RunAsync("postgres", "start", directory, $"{port}")).Split('\n')[^1];

    public Task StopAsync() => ServerScript.RunAsync("postgres", "stop", directory);

    /// <summary>The postmaster.</summary>
    public int Process() => int.Parse(File.ReadLines(Path.Combine(directory, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <summary>The same server through a wire.</summary>
    public string ConnectionStringThrough(Wire wire) => new NpgsqlConnectionStringBuilder(ConnectionString) { Port = wire.Port }.ConnectionString;

    /// <summary>Starts it if it is not running, and returns when it answers: after a crash it may be busy with its log.</summary>
    public Task WhenAnsweringAsync() => Until.TrueAsync(
        async () =>
        {
            try
            {
                await StartAsync();
                await using var connection = await OpenAsync();
                return true;
            }
            catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException)
            {
                return false;
            }
        },
        "the store answers");

    /// <summary>Whether a statement that needs room for some megabytes finds none, or the server has given up for that reason.</summary>
    public async Task<bool> IsOutOfSpaceAsync()
    {
        try
        {
            await using var connection = await OpenAsync();
            await using var fill = new NpgsqlCommand("CREATE TEMPORARY TABLE fill AS SELECT md5(n::text) AS a, md5((-n)::text) AS b FROM generate_series(1, 200000) n", connection);
            await fill.ExecuteNonQueryAsync();
            return false;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.DiskFull)
        {
            return true;
        }
        catch (NpgsqlException)
        {
            return File.ReadLines(Path.Combine(directory, "server.log")).TakeLast(20).Any(line => line.Contains("No space left on device", StringComparison.Ordinal));
        }
    }

    /// <summary>Ends every session but the one that asks; returns when they are gone. How many there were.</summary>
    public async Task<int> TerminateSessionsAsync()
    {
        await using var connection = await OpenAsync();
        await using var terminate = new NpgsqlCommand(
            "SELECT array_agg(pid) FROM (SELECT pid, pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) ended", connection);
        if (await terminate.ExecuteScalarAsync() is not int[] ended)
        {
            return 0;
        }

        await using var left = new NpgsqlCommand("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(@ended)", connection);
        left.Parameters.AddWithValue("ended", ended);
        return (long)(await left.ExecuteScalarAsync())! == 0 ? ended.Length : throw new InvalidOperationException("Sessions survived pg_terminate_backend.");
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false;Timeout=60;Command Timeout=300");
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

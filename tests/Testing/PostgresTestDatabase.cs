using Npgsql;

namespace FaasCluster.Testing;

/// <summary>
/// A database of its own on the server that ./test started, so that test classes do not see each other's rows. Use as a
/// class fixture.
/// </summary>
public sealed class PostgresTestDatabase : IAsyncLifetime
{
    private readonly string _name = $"test_{Guid.NewGuid():N}";
    private string? _connectionString;

    /// <summary>Its Npgsql connection string; skips the test if there is no server.</summary>
    public string ConnectionString => _connectionString ?? TestServers.Postgres;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        // Without a server the tests must be skipped one by one, which a fixture cannot do.
        if (Environment.GetEnvironmentVariable("FAAS_TEST_POSTGRES") is { Length: > 0 } server)
        {
            await ExecuteAsync(server, $"CREATE DATABASE {_name}");
            _connectionString = new NpgsqlConnectionStringBuilder(server) { Database = _name }.ToString();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connectionString is not null)
        {
            await ExecuteAsync(TestServers.Postgres, $"DROP DATABASE {_name} WITH (FORCE)");
        }
    }

    private static async Task ExecuteAsync(string server, string statement)
    {
        await using var source = NpgsqlDataSource.Create(server);
        await using var command = source.CreateCommand(statement);
        await command.ExecuteNonQueryAsync();
    }
}

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
            await TestDatabases.CreateAsync(server, _name);
            _connectionString = new NpgsqlConnectionStringBuilder(server) { Database = _name }.ToString();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connectionString is not null)
        {
            await TestDatabases.DropAsync(TestServers.Postgres, _name);
        }
    }
}

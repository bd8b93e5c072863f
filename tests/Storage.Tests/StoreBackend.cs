using System.Globalization;
using FaasCluster.Testing;
using Npgsql;

namespace FaasCluster.Storage.Tests;

/// <summary>Where the stores of one test class keep their data.</summary>
public abstract class StoreBackend : IAsyncLifetime
{
    /// <summary>True if the store has partitions and takes several nodes.</summary>
    public abstract bool IsPostgres { get; }

    /// <summary>The configuration of a node on it.</summary>
    public abstract IReadOnlyDictionary<string, string?> Configuration { get; }

    /// <summary>Another backend of the same kind without any data, removed with this one.</summary>
    public abstract Task<StoreBackend> CreateEmptyAsync();

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public abstract ValueTask DisposeAsync();
}

/// <summary>A fresh database of the private server.</summary>
public sealed class PostgresBackend : StoreBackend
{
    private readonly PostgresTestDatabase _database = new();
    private readonly List<StoreBackend> _others = [];

    public override bool IsPostgres => true;

    public string ConnectionString => _database.ConnectionString;

    public override IReadOnlyDictionary<string, string?> Configuration => new Dictionary<string, string?> { ["ConnectionStrings:Postgres"] = ConnectionString };

    public override async Task<StoreBackend> CreateEmptyAsync()
    {
        var other = new PostgresBackend();
        await other.InitializeAsync();
        _others.Add(other);
        return other;
    }

    public override ValueTask InitializeAsync() => _database.InitializeAsync();

    public override async ValueTask DisposeAsync()
    {
        foreach (var other in _others)
        {
            await other.DisposeAsync();
        }

        await _database.DisposeAsync();
    }

    /// <summary>Runs a statement past the store.</summary>
    public async Task<T> ScalarAsync<T>(string statement)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString + ";Pooling=false");
        await using var command = source.CreateCommand(statement);
        return (T)Convert.ChangeType((await command.ExecuteScalarAsync())!, typeof(T), CultureInfo.InvariantCulture);
    }
}

/// <summary>A temporary directory.</summary>
public sealed class SqliteBackend : StoreBackend
{
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("faas-store-").FullName;

    private readonly List<StoreBackend> _others = [];

    public override bool IsPostgres => false;

    public override IReadOnlyDictionary<string, string?> Configuration => new Dictionary<string, string?> { ["Data:Directory"] = Directory };

    public override Task<StoreBackend> CreateEmptyAsync()
    {
        var other = new SqliteBackend();
        _others.Add(other);
        return Task.FromResult<StoreBackend>(other);
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var other in _others)
        {
            await other.DisposeAsync();
        }

        System.IO.Directory.Delete(Directory, recursive: true);
    }
}

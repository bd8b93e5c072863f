using FaasCluster.Processes;
using Microsoft.Data.Sqlite;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>A gateway on SQLite and the in-process queue.</summary>
public class EmbeddedGateway : GatewayFixture
{
    public string Data { get; } = Directory.CreateTempSubdirectory("faas-gateway-").FullName;

    protected override Task<Dictionary<string, string?>?> PrepareAsync() =>
        Task.FromResult<Dictionary<string, string?>?>(new Dictionary<string, string?> { ["Data:Directory"] = Data });

    internal override async Task ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(Data, "store.db")}");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    protected override Task CleanUpAsync()
    {
        SqliteConnection.ClearAllPools();
        Directories.Delete(Data);
        return Task.CompletedTask;
    }
}

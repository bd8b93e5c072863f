using FaasCluster.Messaging;
using FaasCluster.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>A gateway on a PostgreSQL database and a RabbitMQ virtual host of its own.</summary>
public class ClusterGateway : GatewayFixture
{
    private readonly string database = $"gateway_{Guid.NewGuid():N}";
    private readonly BrokerVirtualHost broker = new();

    private static bool HasServers =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FAAS_TEST_POSTGRES")) && !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FAAS_TEST_RABBITMQ"));

    private string ConnectionString => new NpgsqlConnectionStringBuilder(TestServers.Postgres) { Database = database }.ConnectionString;

    public override void RequireServers()
    {
        _ = TestServers.Postgres;
        _ = TestServers.RabbitMq;
    }

    protected override async Task<Dictionary<string, string?>?> PrepareAsync()
    {
        if (!HasServers)
        {
            return null;
        }

        await TestDatabases.CreateAsync(TestServers.Postgres, database);
        await broker.InitializeAsync();
        return new Dictionary<string, string?>
        {
            ["ConnectionStrings:Postgres"] = ConnectionString,
            ["ConnectionStrings:RabbitMq"] = broker.Uri,
        };
    }

    internal override async Task<WorkerNode> ConnectWorkerAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:RabbitMq"] = broker.Uri,
            ["Messaging:ConfirmTimeout"] = "00:00:30",
        });
        builder.Services.AddMessaging(builder.Configuration);
        var host = builder.Build();
        await host.StartAsync();
        return new WorkerNode(host.Services, host);
    }

    internal override async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    protected override async Task CleanUpAsync()
    {
        if (HasServers)
        {
            await broker.DisposeAsync();
            await TestDatabases.DropAsync(TestServers.Postgres, database);
        }
    }
}

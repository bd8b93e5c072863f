using System.Security.Cryptography;
using FaasCluster.Testing;
using Npgsql;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>The cluster mode: one gateway and some workers as processes of their own, on a database and a virtual host of their own.</summary>
internal sealed class ClusterPlatform : Platform
{
    private readonly string name = $"e2e_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
    private readonly string key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly int gatewayPort = FreePorts.Next();
    private readonly Dictionary<string, string> settings;
    private readonly List<HostProcess> workers = [];
    private FaasClient? client;
    private HostProcess? gateway;

    private ClusterPlatform(IReadOnlyDictionary<string, string> settings)
    {
        ConnectionString = new NpgsqlConnectionStringBuilder(TestServers.Postgres) { Database = name }.ConnectionString;
        BrokerUri = new UriBuilder(TestServers.RabbitMq) { Path = "/" + name }.Uri.ToString();
        this.settings = new Dictionary<string, string>(settings)
        {
            [QuietLog.Key] = QuietLog.Value,
            ["ConnectionStrings:Postgres"] = ConnectionString,
            ["ConnectionStrings:RabbitMq"] = BrokerUri,
            ["Gateway:BootstrapKey"] = key,
        };
    }

    public override FaasClient Client => client!;

    public override string Output => string.Join("\n", workers.Prepend(gateway).OfType<HostProcess>().Select(host => $"--- {host.Project} {host.Id}\n{Tail(host.Output)}"));

    public HostProcess Gateway => gateway!;

    public IReadOnlyList<HostProcess> Workers => workers;

    public string Key => key;

    public string ConnectionString { get; }

    public string BrokerUri { get; }

    public static async Task<ClusterPlatform> StartAsync(IReadOnlyDictionary<string, string> settings, int workers, string? workerDll = null)
    {
        var platform = new ClusterPlatform(settings);
        try
        {
            await platform.CreateAsync();
            await platform.StartGatewayAsync();
            await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => platform.StartWorkerAsync(workerDll)));
            await platform.gateway!.WhenReadyAsync();
            return platform;
        }
        catch
        {
            await platform.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the gateway, again after it was killed: same port.</summary>
    public async Task StartGatewayAsync()
    {
        gateway = await HostProcess.StartAsync("Gateway", settings, gatewayPort, ready: false);
        client ??= new FaasClient(gateway.Url, key);
    }

    public async Task<HostProcess> StartWorkerAsync(string? dll = null)
    {
        var worker = await HostProcess.StartAsync("Worker", settings, dll: dll);
        lock (workers)
        {
            workers.Add(worker);
        }

        return worker;
    }

    public override async ValueTask DisposeAsync()
    {
        client?.Dispose();
        Tell();
        await Task.WhenAll(workers.Select(worker => worker.DisposeAsync().AsTask()));
        if (gateway is not null)
        {
            await gateway.DisposeAsync();
        }

        await TestDatabases.DropAsync(TestServers.Postgres, name);
    }

    private async Task CreateAsync()
    {
        await TestDatabases.CreateAsync(TestServers.Postgres, name);
        await BrokerScript.RunAsync("vhost", TestServers.RabbitMqDirectory, name);
    }
}

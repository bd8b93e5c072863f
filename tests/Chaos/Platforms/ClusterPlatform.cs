using System.Data.Common;
using FaasCluster.Chaos.Servers;
using Npgsql;

namespace FaasCluster.Chaos.Platforms;

/// <summary>Two gateways and three workers on a private RabbitMQ, of one node or more, and a private PostgreSQL.</summary>
internal sealed class ClusterPlatform : Platform
{
    private readonly List<HostSlot> gateways = [];
    private readonly List<HostSlot> workers = [];
    private readonly bool isControl;
    private Wire? brokerWire;
    private Wire? storeWire;

    public ClusterPlatform(string work, int nodes, bool isControl)
        : base(work)
    {
        this.isControl = isControl;
        Disk = StoreDisk.Find();
        Store = new StoreServer(Disk?.Directory ?? Path.Combine(work, "postgres"), FreePorts.Next());
        Broker = new BrokerCluster(work, nodes);
    }

    public BrokerCluster Broker { get; }

    public StoreServer Store { get; }

    /// <summary>The disk of the store, if it has one of its own.</summary>
    public StoreDisk? Disk { get; }

    /// <summary>Between the last worker and the broker.</summary>
    public Wire BrokerWire => brokerWire!;

    /// <summary>Between the last worker and the store.</summary>
    public Wire StoreWire => storeWire!;

    public override IReadOnlyList<HostSlot> Gateways => gateways;

    public override IReadOnlyList<HostSlot> Workers => workers;

    public override async Task StartAsync()
    {
        await Task.WhenAll(Broker.StartAsync(), Store.StartAsync());
        brokerWire = new Wire(Broker.Nodes[0].Port);
        storeWire = new Wire(Store.Port);
        var settings = new Dictionary<string, string>(SandboxSettings)
        {
            ["ConnectionStrings:Postgres"] = Store.ConnectionString,
            ["ConnectionStrings:RabbitMq"] = Broker.Uris,
            ["Gateway:BootstrapKey"] = Key,
        };
        if (isControl)
        {
            settings["FAAS_FAULT"] = "acknowledge-first";
        }

        var wired = new Dictionary<string, string>(settings)
        {
            ["ConnectionStrings:Postgres"] = Store.ConnectionStringThrough(storeWire),
            ["ConnectionStrings:RabbitMq"] = Broker.UrisThrough(brokerWire),
        };
        gateways.AddRange(Enumerable.Range(0, 2).Select(number => new HostSlot("Gateway", number, Work, settings)));
        workers.AddRange(Enumerable.Range(0, 3).Select(number => new HostSlot("Worker", number, Work, number == 2 ? wired : settings)));

        // A gateway is ready when there is a worker.
        await Task.WhenAll(gateways.Select(gateway => gateway.StartAsync(ready: false)));
        await Task.WhenAll(workers.Select(worker => worker.StartAsync()));
        await Task.WhenAll(gateways.Select(gateway => gateway.Process.WhenReadyAsync()));
    }

    public override async Task<DbConnection> OpenStoreAsync()
    {
        var connection = new NpgsqlConnection(Store.ConnectionString + ";Pooling=false;Command Timeout=120");
        await connection.OpenAsync();
        return connection;
    }

    public override Task<IReadOnlyDictionary<string, long>> QueuesAsync() => Broker.Nodes[0].QueuesAsync();

    public override async ValueTask DisposeAsync()
    {
        await Task.WhenAll(workers.Concat(gateways).Where(host => host.Process is not null).Select(host => host.Process.DisposeAsync().AsTask()));
        foreach (var wire in new[] { brokerWire, storeWire }.OfType<Wire>())
        {
            await wire.DisposeAsync();
        }

        await Task.WhenAll(Broker.StopAsync(), Store.StopAsync());
    }
}

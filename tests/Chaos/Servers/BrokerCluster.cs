namespace FaasCluster.Chaos.Servers;

/// <summary>The run's RabbitMQ: one node, or several that keep the queues together.</summary>
internal sealed class BrokerCluster
{
    public BrokerCluster(string work, int nodes)
    {
        var first = new BrokerServer(Path.Combine(work, "rabbitmq"), FreePorts.Next());
        Nodes = [first, .. Enumerable.Range(1, nodes - 1).Select(number => new BrokerServer(Path.Combine(work, $"rabbitmq-{number}"), FreePorts.Next(), first))];
    }

    public IReadOnlyList<BrokerServer> Nodes { get; }

    /// <summary>What the hosts are told: every node.</summary>
    public string Uris => string.Join(',', Nodes.Select(node => node.Uri));

    public async Task StartAsync()
    {
        foreach (var node in Nodes)
        {
            await node.StartAsync();
        }
    }

    public async Task StopAsync()
    {
        // The first one's port mapper serves all of them.
        foreach (var node in Nodes.Reverse())
        {
            await node.StopAsync();
        }
    }

    /// <summary>The same for a host that reaches the broker by a wire only: to its first node.</summary>
    public string UrisThrough(Wire wire) => Nodes[0].UriThrough(wire);
}

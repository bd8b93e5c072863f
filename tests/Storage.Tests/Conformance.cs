namespace FaasCluster.Storage.Tests;

/// <summary>Base of every suite that runs against both stores: one backend per class, one node per test.</summary>
public abstract class Conformance(StoreBackend backend) : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _nodes = [];
    private StoreNode? _node;

    protected StoreBackend Backend => backend;

    protected StoreNode Node => _node!;

    /// <summary>One more node on the same store, removed at the end of the test.</summary>
    protected async Task<StoreNode> AddNodeAsync(TimeProvider? time = null, params (string Key, string Value)[] settings)
    {
        var node = await StoreNode.StartAsync(backend, time, settings);
        _nodes.Add(node);
        return node;
    }

    public async ValueTask InitializeAsync() => _node = await AddNodeAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }
}

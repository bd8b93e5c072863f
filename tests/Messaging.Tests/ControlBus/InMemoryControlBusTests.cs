using FaasCluster.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.Tests.ControlBus;

public sealed class InMemoryControlBusTests : ControlBusTests, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    protected override Task<MessagingNode> StartNodeAsync(Action<IServiceCollection>? configure = null) =>
        MessagingNode.StartAsync(new() { ["Data:Directory"] = _directory.Path }, configure);
}

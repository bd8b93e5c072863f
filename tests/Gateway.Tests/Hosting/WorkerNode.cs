using FaasCluster.Messaging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>A worker's side of the messaging.</summary>
/// <param name="services">Where it comes from.</param>
/// <param name="host">The host to stop with it; null if it is the gateway's own.</param>
internal sealed class WorkerNode(IServiceProvider services, IHost? host) : IAsyncDisposable
{
    public IInvocationReceiver Receiver { get; } = services.GetRequiredService<IInvocationReceiver>();

    public IControlBus Bus { get; } = services.GetRequiredService<IControlBus>();

    public string Id { get; } = services.GetRequiredService<IOptions<MessagingOptions>>().Value.NodeId;

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.StopAsync();
            host.Dispose();
        }
    }
}

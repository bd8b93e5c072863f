using FaasCluster.Worker.Sandboxes.Network;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace FaasCluster.Standalone;

/// <summary>Tells functions where the gateway is: in this very process, at an address that is known once it listens.</summary>
internal sealed class OwnAddress(IHostApplicationLifetime lifetime, IServer server, GatewayEndpoint endpoint) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(() =>
        {
            var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];

            // Unencrypted if there is a choice: it is the same machine, and a certificate would not be made out to its loopback.
            if (addresses.OrderBy(address => address.StartsWith("https", StringComparison.OrdinalIgnoreCase)).FirstOrDefault() is { } address)
            {
                endpoint.Found(address);
            }
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.Tests.Invocations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>A hosted service that still has something to send when its host stops.</summary>
internal sealed class Farewell(Guid function)
{
    public bool WasSent { get; private set; }

    public ErrorCode? Outcome { get; private set; }

    public void AddTo(IServiceCollection services) =>
        services.AddHostedService(provider => new Service(this, function, provider.GetRequiredService<IInvocationSender>()));

    private sealed class Service(Farewell farewell, Guid function, IInvocationSender sender) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            farewell.Outcome = await sender.EnqueueAsync(Messages.Event(function), CancellationToken.None);
            farewell.WasSent = true;
        }
    }
}

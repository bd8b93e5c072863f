using System.Threading.Channels;
using FaasCluster.Contracts.Topology;
using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.ControlBus;

/// <summary>
/// Publishes through MassTransit from a queue of its own: MassTransit's publish waits for a broker that is away, and nobody
/// who sends a hint should.
/// </summary>
internal sealed class MassTransitControlBus : BackgroundService, IControlBus, IReceiveEndpointObserver
{
    /// <summary>Hints kept while the broker is away; the oldest go first, for they are the most out of date.</summary>
    private const int Capacity = 1_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly Channel<object> waiting = Channel.CreateBounded<object>(new BoundedChannelOptions(Capacity)
    {
        FullMode = BoundedChannelFullMode.DropOldest,
        SingleReader = true,
    });

    private readonly TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IBus bus;
    private readonly string endpoint;
    private readonly ILogger logger;

    public MassTransitControlBus(IBus bus, IOptions<MessagingOptions> options, ILogger<MassTransitControlBus> logger)
    {
        this.bus = bus;
        this.logger = logger;
        endpoint = BrokerNames.Bus(options.Value.NodeId);
        bus.ConnectReceiveEndpointObserver(this);
    }

    /// <inheritdoc/>
    public Task PublishAsync<T>(T message, CancellationToken cancellationToken)
        where T : class
    {
        waiting.Writer.TryWrite(message);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // The last words of a node ("draining", "cooled") are worth a moment.
        waiting.Writer.TryComplete();
        if (ExecuteTask is { } publishing)
        {
            await Task.WhenAny(publishing, Task.Delay(Farewell, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
    }

    Task IReceiveEndpointObserver.Ready(ReceiveEndpointReady ready)
    {
        if (ready.InputAddress.AbsolutePath.EndsWith(endpoint, StringComparison.Ordinal))
        {
            listening.TrySetResult();
        }

        return Task.CompletedTask;
    }

    Task IReceiveEndpointObserver.Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

    Task IReceiveEndpointObserver.Completed(ReceiveEndpointCompleted completed) => Task.CompletedTask;

    Task IReceiveEndpointObserver.Faulted(ReceiveEndpointFaulted faulted) => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // The first words go out only when this node listens: it is to hear its own as well.
            await listening.Task.WaitAsync(stoppingToken);
            await foreach (var message in waiting.Reader.ReadAllAsync(stoppingToken))
            {
                await PublishOneAsync(message, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The way out.
        }
    }

    private async Task PublishOneAsync(object message, CancellationToken stoppingToken)
    {
        for (var failures = 0; ; failures++)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            patience.CancelAfter(Patience);
            try
            {
                await bus.Publish(message, message.GetType(), patience.Token);
                if (failures > 0)
                {
                    Log.ControlBusBack(logger);
                }

                return;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (failures == 0)
                {
                    Log.ControlBusAway(logger, exception);
                }

                // An error that comes at once must not make this loop spin.
                await Task.Delay(TimeSpan.FromSeconds(Math.Min(failures + 1, 10)), stoppingToken);
            }
        }
    }
}

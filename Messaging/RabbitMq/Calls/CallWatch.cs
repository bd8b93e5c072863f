using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Calls;

/// <summary>
/// Looks at all waiting calls regularly: ends those that are too late, and asks whether the workers live. One look at a few
/// thousand calls costs less than a timer for each.
/// </summary>
internal sealed class CallWatch : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly CallTable calls;
    private readonly WorkerPresence presence;
    private readonly BrokerConnection publishing;
    private readonly PlainPublisher probes;
    private readonly MessagingOptions options;
    private readonly TimeProvider time;
    private readonly BackgroundLoop background;

    public CallWatch(
        CallTable calls, WorkerPresence presence, BrokerConnections connections, Queues.Topology topology,
        IOptions<MessagingOptions> options, TimeProvider time, ILogger<CallWatch> logger)
    {
        this.calls = calls;
        this.presence = presence;
        this.options = options.Value;
        this.time = time;
        publishing = connections.Publishing;
        probes = new PlainPublisher(publishing, topology, "probes", time, logger) { Returned = returned => presence.Lost(returned.RoutingKey) };
        background = new BackgroundLoop(WatchAsync);
    }

    public void Start()
    {
        probes.Start();
        background.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await background.DisposeAsync();
        await probes.DisposeAsync();
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        var probedAt = time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (calls.IsEmpty)
                {
                    continue;
                }

                EndLate();
                if (time.GetElapsedTime(probedAt) >= options.PresenceInterval)
                {
                    probedAt = time.GetTimestamp();
                    await ProbeAsync(cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The way out.
        }
    }

    private void EndLate()
    {
        var now = time.GetTimestamp();
        var blocked = publishing.Current is { IsBlocked: true };
        foreach (var call in calls.All)
        {
            if (call.StartedOn is not null)
            {
                if (now >= call.RunUntil)
                {
                    call.Fail(ErrorCode.WaitTimeout);
                }
            }
            else if (now >= call.WaitUntil)
            {
                call.Fail(ErrorCode.WaitTimeout);
            }
            else if (call.SuspectUntil != 0 && now >= call.SuspectUntil)
            {
                call.Fail(ErrorCode.WorkerLost);
            }
            else if (blocked && time.GetElapsedTime(call.SentAt) >= options.ConfirmTimeout)
            {
                // It lies in a socket that the broker does not read from.
                call.Fail(ErrorCode.BrokerUnavailable);
            }
        }
    }

    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        var workers = presence.ToProbe(options.PresenceInterval);
        if (workers.Count == 0 || await probes.TryGetAsync(cancellationToken) is not { } channel)
        {
            return;
        }

        foreach (var worker in workers)
        {
            var probe = new BasicProperties { Type = MessageHeaders.ProbeType, DeliveryMode = DeliveryModes.Transient, Expiration = "1000" };
            await PlainPublisher.PublishAsync(channel, "", BrokerNames.Worker(worker), mandatory: true, new Outgoing(probe, default), cancellationToken);
        }
    }
}

using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Worker.Concurrency;
using FaasCluster.Worker.Lanes;
using FaasCluster.Worker.Sandboxes;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker;

/// <summary>
/// The worker's life: wait until the sandboxes are proven tight, take from the cold queue, say regularly that it lives, and on
/// the way out finish what runs.
/// </summary>
internal sealed class WorkerService(
    LaneTable lanes,
    LaneServices services,
    MinimumInstances minimum,
    SlotLeases leases,
    IInvocationReceiver receiver,
    IControlBus bus,
    ISandboxFactory sandboxes,
    ICompletionWriter completions,
    ILogWriter logs,
    WorkerReadiness readiness,
    IOptions<MessagingOptions> messaging,
    TimeProvider time,
    ILogger<WorkerService> logger) : BackgroundService
{
    private readonly string workerId = messaging.Value.NodeId;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        IColdSubscription? cold = null;

        // Longer than work is taken: what runs during the drain holds its slots.
        using var leasing = new CancellationTokenSource();
        var renewing = leases.RunAsync(leasing.Token);
        try
        {
            if (await sandboxes.WhenReadyAsync(stoppingToken) is { } problem)
            {
                readiness.Problem = problem;
                Log.NotFit(logger, problem);
                return;
            }

            cold = await receiver.SubscribeColdAsync(lanes.AcceptColdAsync, stoppingToken);
            Log.Started(logger, workerId, services.Budget.TotalBytes >> 20, string.Join(' ', sandboxes.Runtimes));
            var room = 0;
            var looking = lanes.LookRegularlyAsync(
                async now =>
                {
                    if (now != room)
                    {
                        await cold.SetRoomAsync(now, stoppingToken);
                        room = now;
                        readiness.Problem = null;
                    }
                },
                stoppingToken);
            await Task.WhenAll(looking, BeatAsync(stoppingToken), minimum.RunAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The way out.
        }
        finally
        {
            await DrainAsync(cold);
            await leasing.CancelAsync();
            await renewing;
        }
    }

    private async Task BeatAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await bus.PublishAsync(Heartbeat(draining: false), stoppingToken);
            await Task.Delay(services.Options.HeartbeatInterval, time, stoppingToken);
        }
    }

    private async Task DrainAsync(IColdSubscription? cold)
    {
        if (cold is null)
        {
            return;
        }

        readiness.Problem = "It is draining.";
        Log.Draining(logger, workerId, lanes.Lanes.Count);
        await bus.PublishAsync(Heartbeat(draining: true), CancellationToken.None);
        await cold.SetRoomAsync(0, CancellationToken.None);
        using var patience = new CancellationTokenSource(services.Options.DrainTimeout, time);
        await using var kill = patience.Token.Register(() =>
        {
            Log.DrainTimeOver(logger);
            services.Kill();
        });
        await lanes.CloseAllAsync(patience.Token);
        await completions.FlushAsync(patience.Token);
        await logs.FlushAsync(patience.Token);
        await cold.DisposeAsync();
        Log.Drained(logger, workerId);
    }

    private WorkerHeartbeat Heartbeat(bool draining) => new()
    {
        WorkerId = workerId,
        SentAt = time.GetUtcNow(),
        WarmFunctions = lanes.Warm,
        MemoryBytes = services.Budget.TotalBytes,
        ReservedBytes = services.Budget.ReservedBytes,
        Runtimes = sandboxes.Runtimes,
        Draining = draining,
        HeldEvents = receiver.CountHeldEvents(),
        EgressProblem = sandboxes.EgressProblem,
    };
}

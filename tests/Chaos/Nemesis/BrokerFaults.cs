using FaasCluster.Chaos.Checking;
using FaasCluster.Chaos.Functions;
using FaasCluster.Chaos.Platforms;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Chaos.Nemesis;

/// <summary>What happens to the broker.</summary>
internal static class BrokerFaults
{
    public static IReadOnlyList<FaultKind> All { get; } =
    [
        new("06 connections to the broker closed", CloseConnectionsAsync),
        new("07 broker's memory alarm", scene => AlarmAsync(scene, "vm_memory_monitor:set_vm_memory_high_watermark(0.00001).", "vm_memory_monitor:set_vm_memory_high_watermark(0.4).")),
        new("07 broker's disk alarm", scene => AlarmAsync(scene, "rabbit_disk_monitor:set_disk_free_limit(\"100000GB\").", "rabbit_disk_monitor:set_disk_free_limit(50000000).")),
        new("06 worker cut off from the broker for a while", scene => CutOffAsync(scene, 2, 8)),
        new("06 worker cut off from the broker past its patience", scene => CutOffAsync(scene, 40, 45)),
        new("14 asynchronous queue deleted", DeleteAsynchronousAsync),
        new("14 warm queue deleted", DeleteWarmAsync),
        new("14 cold queue deleted", DeleteColdAsync),
    ];

    /// <summary>What only happens to a broker of several nodes; instead of <see cref="OfOneNode"/>.</summary>
    public static IReadOnlyList<FaultKind> OfSeveralNodes { get; } =
    [
        new("23 broker node killed", scene => LoseNodeAsync(scene, alone: true)),
        new("23 broker node and gateway killed", scene => LoseNodeAsync(scene, alone: false)),
    ];

    /// <summary>What happens to the broker as a whole.</summary>
    public static IReadOnlyList<FaultKind> OfOneNode { get; } =
    [
        new("06 broker killed", KillAsync),
        new("06 broker frozen", FreezeAsync),
    ];

    private static async Task KillAsync(FaultScene scene)
    {
        var broker = scene.Cluster.Broker.Nodes[0];
        await broker.SyncDirectoryAsync();
        await ServerProcess.KillAsync([await broker.ProcessAsync()]);
        await scene.LastAsync(0, 4);
        await broker.StartAsync();
        scene.Healed();
    }

    // Recovery is measured from the loss: two nodes of three must carry on by themselves. The node comes back afterwards.
    private static async Task LoseNodeAsync(FaultScene scene, bool alone)
    {
        var nodes = scene.Cluster.Broker.Nodes;
        var node = nodes[scene.Random.Next(nodes.Count)];
        await node.SyncDirectoryAsync();
        await ServerProcess.KillAsync([await node.ProcessAsync()]);
        var lostAt = TimeProvider.System.GetUtcNow();
        scene.Healed();
        var gateway = alone ? null : scene.Gateway();
        if (gateway is not null)
        {
            await gateway.Process.KillAsync();
        }

        await scene.WhenWholeAsync(gateway);
        await Task.WhenAll(scene.Platform.Gateways.Where(other => other != gateway).Select(other => HearsAgainAsync(scene, other, lostAt)));
        await Task.WhenAll(node.StartAsync(), gateway?.StartAsync() ?? Task.CompletedTask);
    }

    // The control bus too does without the lost node.
    private static async Task HearsAgainAsync(FaultScene scene, HostSlot gateway, DateTimeOffset since)
    {
        using var client = new FaasClient(gateway.Url, scene.Platform.Key);
        try
        {
            await Until.TrueAsync(
                async () => (await client.StatusAsync()).Workers.Count(worker => worker.SeenAt > since) >= scene.Platform.Workers.Count, $"{gateway.Name} hears from every worker");
        }
        catch (Xunit.Sdk.XunitException exception)
        {
            scene.Findings.Add("recovery", $"with a broker node lost: {exception.Message}");
        }
    }

    private static async Task CutOffAsync(FaultScene scene, double least, double most)
    {
        var wire = scene.Cluster.BrokerWire;
        var before = wire.HeldBack;
        wire.Cut();
        try
        {
            await FaultScene.ConfirmAsync(() => Task.FromResult(wire.HeldBack > before), "what the worker and the broker say is held back");
            await scene.LastAsync(least, most);
        }
        finally
        {
            wire.Mend();
        }

        scene.Healed();
    }

    private static async Task FreezeAsync(FaultScene scene)
    {
        var process = await scene.Cluster.Broker.Nodes[0].ProcessAsync();
        await ServerProcess.FreezeAsync([process], () => scene.LastAsync(3, 10));
        scene.Healed();
    }

    private static async Task CloseConnectionsAsync(FaultScene scene)
    {
        var closed = await scene.Cluster.Broker.Nodes[0].CloseConnectionsAsync();
        FaultScene.Confirm(closed > 0, $"connections were closed ({closed})");
        scene.Healed();
    }

    private static async Task AlarmAsync(FaultScene scene, string raise, string clear)
    {
        var broker = scene.Cluster.Broker.Nodes[0];
        await broker.EvaluateAsync(raise);
        try
        {
            await FaultScene.ConfirmAsync(broker.HasAlarmAsync, "the broker reports the alarm");
            await scene.LastAsync(2, 8);
        }
        finally
        {
            await broker.EvaluateAsync(clear);
        }

        await FaultScene.ConfirmAsync(async () => !await broker.HasAlarmAsync(), "the alarm is cleared");
        scene.Healed();
    }

    // Empty, because what an operator deletes with its queue is gone by his will.
    private static async Task DeleteAsynchronousAsync(FaultScene scene)
    {
        var broker = scene.Cluster.Broker.Nodes[0];
        var queue = BrokerNames.AsyncQueue((await scene.Client.FunctionAsync(TestFunctions.Quiet)).Id);
        await scene.Load.LeaveQuietAloneAsync();
        try
        {
            // Not even an attempt that waits for its time, and would come in between.
            await using var store = await scene.Platform.OpenStoreAsync();
            await FaultScene.ConfirmAsync(
                async () => await StoreReader.OpenAsync(store, TestFunctions.Quiet) == 0 && (await broker.QueuesAsync()).GetValueOrDefault(queue, -1) == 0, $"{queue} is empty");
            FaultScene.Confirm(await broker.DeleteQueueAsync(queue), $"{queue} was deleted");
        }
        finally
        {
            scene.Load.CallQuietAgain();
        }

        scene.Healed();
        await FaultScene.ConfirmAsync(async () => (await broker.QueuesAsync()).ContainsKey(queue), $"{queue} is declared again");
    }

    private static async Task DeleteWarmAsync(FaultScene scene)
    {
        var prefix = BrokerNames.Warm((await scene.Client.FunctionAsync(TestFunctions.Python)).Id);
        await FaultScene.ConfirmAsync(
            async () =>
            {
                var queue = (await scene.Cluster.Broker.Nodes[0].QueuesAsync()).Keys.FirstOrDefault(name => name.StartsWith(prefix, StringComparison.Ordinal));
                return queue is not null && await scene.Cluster.Broker.Nodes[0].DeleteQueueAsync(queue);
            },
            $"{prefix} was there and was deleted");
        scene.Healed();
    }

    private static async Task DeleteColdAsync(FaultScene scene)
    {
        await FaultScene.ConfirmAsync(() => scene.Cluster.Broker.Nodes[0].DeleteQueueAsync(BrokerNames.Cold), "the cold queue was deleted");
        scene.Healed();
    }
}

using FaasCluster.Contracts.Topology;
using FaasCluster.EndToEnd.Tests.Hosting;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Nothing runs when nothing is called.</summary>
public sealed class IdleTests
{
    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Function_IdlePastItsKeepAlive_LeavesNothingAndAnswersAgain(string mode)
    {
        // No sandbox is booted ahead, so that each process that is left would be the function's.
        await using var platform = await Platform.StartAsync(mode, new Dictionary<string, string> { ["Sandbox:PoolMinimum"] = "0", ["Sandbox:PoolMaximum"] = "0" }, workers: 1);
        var worker = platform is ClusterPlatform cluster ? cluster.Workers[0].Id : ((EmbeddedPlatform)platform).Host.Id;
        var processesBefore = ProcessTree.Below(worker).Count;
        var function = await platform.Client.DeployFileAsync(
            "app.py", "def handler(event, context):\n    return 'here'\n", "{name: idle, runtime: python3, handler: app.handler, keepAlive: 2s}");

        using var first = await platform.Client.InvokeAsync("idle");
        Assert.Equal("\"here\"", await first.Content.ReadAsStringAsync());
        Assert.True(ProcessTree.Below(worker).Count > processesBefore, "a warm function has processes");
        var cgroups = ProcessTree.CgroupsBelow(worker);
        Assert.NotEmpty(cgroups);
        if (platform is ClusterPlatform warm)
        {
            await Until.TrueAsync(() => QueueExistsAsync(warm.BrokerUri, BrokerNames.Warm(function.Id)), "the warm queue is there");
        }

        await Until.TrueAsync(() => ProcessTree.Below(worker).Count <= processesBefore, "no process is left");
        await Until.TrueAsync(() => !cgroups.Any(Directory.Exists), "no cgroup is left");
        if (platform is ClusterPlatform cold)
        {
            await Until.TrueAsync(async () => !await QueueExistsAsync(cold.BrokerUri, BrokerNames.Warm(function.Id)), "the warm queue is gone");
        }

        using var again = await platform.Client.InvokeAsync("idle");
        Assert.Equal("\"here\"", await again.Content.ReadAsStringAsync());
        Assert.Equal("cold", again.Headers.GetValues("Faas-Start").Single());
    }

    private static async Task<bool> QueueExistsAsync(string brokerUri, string queue)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(brokerUri) }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        try
        {
            await channel.QueueDeclarePassiveAsync(queue);
            return true;
        }
        catch (OperationInterruptedException)
        {
            return false;
        }
    }
}

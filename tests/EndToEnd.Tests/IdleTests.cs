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
        var before = ProcessTree.Below(worker);
        var function = await platform.Client.DeployFileAsync(
            "app.py", "def handler(event, context):\n    return 'here'\n", "{name: idle, runtime: python3, handler: app.handler, keepAlive: 2s}");

        // Called again as long as it is looked for: it stays warm for two seconds, and a look may take longer.
        IReadOnlyList<string> cgroups = [];
        await Until.TrueAsync(
            async () =>
            {
                using var answer = await platform.Client.InvokeAsync("idle");
                Assert.Equal("\"here\"", await answer.Content.ReadAsStringAsync());
                cgroups = ProcessTree.CgroupsBelow(worker);
                return cgroups.Count > 0
                    && ProcessTree.Below(worker).Except(before).Any()
                    && (platform is not ClusterPlatform warm || await QueueExistsAsync(warm.BrokerUri, BrokerNames.Warm(function.Id)));
            },
            "a warm function has processes, a cgroup and a queue");

        await Until.TrueAsync(() => !ProcessTree.Below(worker).Except(before).Any(), "no process is left");
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

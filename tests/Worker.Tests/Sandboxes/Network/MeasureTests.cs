using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Run by hand: what it costs to open a sandbox's network, which happens when it is booted and not when it is taken.</summary>
[Collection(nameof(NetworkFixture))]
public sealed class MeasureTests(NetworkFixture fixture, ITestOutputHelper output)
{
    [Fact(Explicit = true)]
    public async Task CostOfOpening()
    {
        foreach (var policy in new[] { NetworkPolicy.None, NetworkPolicy.Egress })
        {
            var times = new List<double>();
            for (var i = 0; i < 60; i++)
            {
                await using var sandbox = await fixture.Host.Launcher.LaunchAsync(new LaunchRequest
                {
                    Command = ["/bin/sh", $"{RootTree.RuntimeDirectory}/executable/start.sh", "/bin/true"],
                    Limits = new CgroupLimits(64 << 20, 64, Cores: null),
                });
                Assert.True(await sandbox.WhenReadyAsync(CancellationToken.None));
                var clock = Stopwatch.GetTimestamp();
                await fixture.Host.Networks.OpenAsync(sandbox, policy, CancellationToken.None);
                times.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }

            times.Sort();
            output.WriteLine($"{policy}: smallest {times[0]:0.00}, median {times[30]:0.00}, p90 {times[54]:0.00} ms");
        }
    }
}

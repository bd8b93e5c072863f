using FaasCluster.Chaos.Checking;
using FaasCluster.Chaos.Load;
using FaasCluster.Chaos.Platforms;

namespace FaasCluster.Chaos.Nemesis;

/// <summary>What a fault may touch.</summary>
internal sealed class FaultScene(Platform platform, LoadGenerator load, Random random, History history, Findings findings, FaasClient client, RecoveryProbe probe)
{
    public Platform Platform => platform;

    public ClusterPlatform Cluster => (ClusterPlatform)platform;

    public LoadGenerator Load => load;

    public Random Random => random;

    public Findings Findings => findings;

    public FaasClient Client => client;

    /// <summary>From when the recovery is measured: when whatever the platform cannot mend itself was mended.</summary>
    public TimeSpan HealedAt { get; private set; }

    /// <summary>When it was found whole again, if that was before the fault was over.</summary>
    public TimeSpan? WholeAt { get; private set; }

    /// <summary>The version of the function that is deployed while it is called.</summary>
    public static int Version { get; set; } = 1;

    public void Begin()
    {
        HealedAt = history.Now;
        WholeAt = null;
    }

    public void Healed() => HealedAt = history.Now;

    /// <summary>Returns when the platform has recovered although something is still away.</summary>
    public async Task WhenWholeAsync(HostSlot? away)
    {
        await probe.WhenWholeAsync(away);
        WholeAt = history.Now;
    }

    public HostSlot Worker() => platform.Workers[random.Next(platform.Workers.Count)];

    /// <summary>The worker that executes most at this moment, so that it dies at work; any if none does anything for ten seconds.</summary>
    public async Task<HostSlot> BusyWorkerAsync()
    {
        for (var look = 0; look < 100; look++)
        {
            var before = platform.Workers.ToDictionary(worker => worker, worker => worker.Executed);
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            var busiest = platform.Workers.MaxBy(worker => worker.Executed - before[worker])!;
            if (busiest.Executed > before[busiest])
            {
                return busiest;
            }
        }

        return Worker();
    }

    public HostSlot Gateway() => platform.Gateways[random.Next(platform.Gateways.Count)];

    /// <summary>How long a fault lasts, decided by the seed.</summary>
    public Task LastAsync(double least, double most) => Task.Delay(TimeSpan.FromSeconds(least + (random.NextDouble() * (most - least))));

    /// <summary>The fault did what it is there for; else the run proves nothing and says so.</summary>
    public static void Confirm(bool effect, string what)
    {
        if (!effect)
        {
            throw new FaultNotConfirmedException(what);
        }
    }

    public static async Task ConfirmAsync(Func<Task<bool>> effect, string what)
    {
        try
        {
            await Until.TrueAsync(effect, what, TimeSpan.FromSeconds(60));
        }
        catch (Exception exception) when (exception is not FaultNotConfirmedException)
        {
            throw new FaultNotConfirmedException($"{what}: {exception.Message}");
        }
    }
}

/// <summary>A fault did not take effect.</summary>
internal sealed class FaultNotConfirmedException(string what) : Exception($"The fault did not take effect: {what}");

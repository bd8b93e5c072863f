using FaasCluster.Chaos.Functions;
using FaasCluster.Chaos.Load;
using FaasCluster.Chaos.Platforms;

namespace FaasCluster.Chaos.Nemesis;

/// <summary>Finds out when the platform is whole again. Its calls are in the history as everybody's.</summary>
internal sealed class RecoveryProbe(Platform platform, Caller caller, Random random)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>
    /// Returns when a synchronous call and an asynchronous invocation came to their end through every gateway (but one that is
    /// known to be away).
    /// </summary>
    public Task WhenWholeAsync(HostSlot? away = null) => Task.WhenAll(platform.Gateways.Where(gateway => gateway != away).Select(async gateway =>
    {
        var python = TestFunctions.All.First(function => function.Name == TestFunctions.Python);
        var node = TestFunctions.All.First(function => function.Name == TestFunctions.Node);
        await Until.TrueAsync(async () => (await caller.CallAsync(python, gateway.Url, isAsynchronous: false, Own())).Status == 200, $"{gateway.Name} answers", Limit);
        Call? accepted = null;
        await Until.TrueAsync(
            async () => (accepted = await caller.CallAsync(node, gateway.Url, isAsynchronous: true, Own())).Outcome == CallOutcome.Ok, $"{gateway.Name} accepts", Limit);
        using var client = new FaasClient(gateway.Url, platform.Key);
        await Until.TrueAsync(() => HasEndedAsync(client, accepted!.Id!.Value), $"an invocation that {gateway.Name} accepted ends", Limit);
    }));

    private static async Task<bool> HasEndedAsync(FaasClient client, Guid id)
    {
        try
        {
            return (await client.InvocationAsync(id)).State == "succeeded";
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or Xunit.Sdk.XunitException)
        {
            return false;
        }
    }

    // The gateways are probed side by side.
    private Random Own()
    {
        lock (random)
        {
            return new Random(random.Next());
        }
    }
}

using System.Diagnostics;

namespace FaasCluster.Worker.Tests;

/// <summary>Polls a condition with a generous limit.</summary>
internal static class Wait
{
    public static async Task UntilAsync(Func<bool> condition, Func<string>? explain = null, int seconds = 60)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(seconds), explain?.Invoke() ?? $"not within {seconds} s");
            await Task.Delay(10);
        }
    }
}

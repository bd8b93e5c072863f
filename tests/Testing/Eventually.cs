using System.Diagnostics;

namespace FaasCluster.Testing;

/// <summary>Waits for a condition that has no signal.</summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when the condition holds; fails the test if it does not within the limit (default 2 min).</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < (limit ?? TimeSpan.FromMinutes(2)), $"Did not happen within {watch.Elapsed}: {what}");
            await Task.Delay(Interval);
        }
    }

    /// <summary>The same for a condition that can be looked at without waiting.</summary>
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? limit = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, limit);
}

using System.Diagnostics;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>Waits for a condition, with a limit that only a failure reaches.</summary>
internal static class Until
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static async Task<T> NotNullAsync<T>(Func<Task<T?>> look, string what)
        where T : class
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Limit)
        {
            if (await look() is { } found)
            {
                return found;
            }

            await Task.Delay(20);
        }

        Assert.Fail($"Waited {Limit.TotalSeconds:0} s in vain: {what}.");
        return null!;
    }

    public static Task TrueAsync(Func<Task<bool>> condition, string what) =>
        NotNullAsync(async () => await condition() ? "" : null, what);

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);
}

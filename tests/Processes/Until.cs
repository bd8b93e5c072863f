using System.Diagnostics;

namespace FaasCluster.Processes;

/// <summary>Waits for a condition with a hang limit, never for a time; a failure tells what was seen last.</summary>
public static class Until
{
    public static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(3);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null, Func<string>? seen = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > (limit ?? HangLimit))
            {
                Assert.Fail($"After {clock.Elapsed.TotalSeconds:0} s still not: {what}{(seen is null ? "" : $"; last seen: {seen()}")}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? limit = null, Func<string>? seen = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, limit, seen);
}

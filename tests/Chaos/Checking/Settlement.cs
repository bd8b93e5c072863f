using System.Diagnostics;
using FaasCluster.Chaos.Platforms;

namespace FaasCluster.Chaos.Checking;

/// <summary>Waits until nothing is left to be done: no open row, nothing in the outbox, nothing in a queue.</summary>
internal static class Settlement
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns when it is so, or when nothing has changed for the given time; what is left then.</summary>
    public static async Task<string?> WaitAsync(Platform platform, TimeSpan patience)
    {
        await using var store = await platform.OpenStoreAsync();
        var since = Stopwatch.StartNew();
        var before = "";
        while (true)
        {
            var open = await StoreReader.OpenAsync(store);
            var queues = (await platform.QueuesAsync()).Where(queue => queue.Value > 0).Select(queue => $"{queue.Value} in {queue.Key}").ToList();
            var left = open == 0 && queues.Count == 0 ? null : $"{open} open rows; messages: {string.Join(", ", queues)}";
            if (left is null)
            {
                return null;
            }

            if (left != before)
            {
                before = left;
                since.Restart();
            }
            else if (since.Elapsed > patience)
            {
                return left;
            }

            await Task.Delay(Interval);
        }
    }
}

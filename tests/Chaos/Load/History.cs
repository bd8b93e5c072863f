using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace FaasCluster.Chaos.Load;

/// <summary>Every call with what its caller knows.</summary>
internal sealed class History
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly ConcurrentQueue<Call> calls = new();

    public TimeSpan Now => clock.Elapsed;

    public IReadOnlyCollection<Call> Calls => calls;

    public void Add(Call call) => calls.Enqueue(call);

    /// <summary>One JSON document a line.</summary>
    public async Task SaveAsync(string path)
    {
        await using var file = new StreamWriter(path);
        foreach (var call in calls)
        {
            await file.WriteLineAsync(JsonSerializer.Serialize(call));
        }
    }
}

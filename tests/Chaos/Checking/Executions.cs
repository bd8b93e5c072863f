using System.Globalization;

namespace FaasCluster.Chaos.Checking;

/// <summary>
/// What the workers handed to their sandboxes: one line before each event, in files that outlive a killed worker
/// (Worker/Execution/Faults.cs).
/// </summary>
internal sealed class Executions
{
    private readonly Dictionary<(Guid Id, int Attempt), int> counts = [];

    public static async Task<Executions> ReadAsync(string work)
    {
        var all = new List<(Guid Id, int Attempt)>();
        foreach (var file in Directory.EnumerateFiles(work, "executions-*"))
        {
            all.AddRange((await File.ReadAllLinesAsync(file)).Select(line => line.Split(' ')).Select(words => (Guid.Parse(words[0]), int.Parse(words[1], CultureInfo.InvariantCulture))));
        }

        return Of(all);
    }

    public static Executions Of(IEnumerable<(Guid Id, int Attempt)> all)
    {
        var executions = new Executions();
        foreach (var key in all)
        {
            executions.counts[key] = executions.counts.GetValueOrDefault(key) + 1;
        }

        return executions;
    }

    /// <summary>Events that were handed over.</summary>
    public long Total => counts.Values.Sum(count => (long)count);

    /// <summary>Those of an attempt that had been handed over before.</summary>
    public long Repeated => Total - counts.Count;

    /// <summary>Invocations of which at least one was.</summary>
    public int Invocations => counts.Keys.Select(key => key.Id).Distinct().Count();

    /// <summary>Executions of one invocation beyond its attempts, on average, plus one: retries by policy are attempts of their own.</summary>
    public double PerInvocation => Invocations == 0 ? 1 : 1 + ((double)Repeated / Invocations);

    public int Of(Guid id, int attempt) => counts.GetValueOrDefault((id, attempt));

    public int RepeatedOf(IEnumerable<Guid> ids)
    {
        var set = ids.ToHashSet();
        return counts.Count(pair => pair.Value > 1 && set.Contains(pair.Key.Id));
    }
}

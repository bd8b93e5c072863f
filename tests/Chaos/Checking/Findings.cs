using System.Collections.Concurrent;

namespace FaasCluster.Chaos.Checking;

/// <summary>What was found to be against the promises.</summary>
internal sealed class Findings
{
    private readonly ConcurrentQueue<Finding> all = new();

    public IReadOnlyCollection<Finding> All => all;

    public void Add(string invariant, string text) => all.Enqueue(new Finding(invariant, text));

    public int Count(string invariant) => all.Count(finding => finding.Invariant == invariant);
}

/// <summary>One violation.</summary>
/// <param name="Invariant">What should hold; see docs/reliability.md.</param>
/// <param name="Text">What was found.</param>
internal sealed record Finding(string Invariant, string Text);

namespace FaasCluster.Chaos.Nemesis;

/// <summary>A fault that can be injected.</summary>
/// <param name="Name">Its name in reports; numbers are those of the list of faults.</param>
/// <param name="InjectAsync">Injects it, confirms that it took effect (or throws), waits, and heals.</param>
internal sealed record FaultKind(string Name, Func<FaultScene, Task> InjectAsync);

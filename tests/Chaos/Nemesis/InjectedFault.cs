namespace FaasCluster.Chaos.Nemesis;

/// <summary>A fault that was injected and took effect.</summary>
/// <param name="Kind">Its name.</param>
/// <param name="At">When it began, since the run began.</param>
/// <param name="Recovery">From the moment it was healed until every gateway answered a call and an accepted invocation of it had ended.</param>
internal sealed record InjectedFault(string Kind, TimeSpan At, TimeSpan Recovery);

namespace FaasCluster.Worker;

/// <summary>Whether this worker takes work.</summary>
public sealed class WorkerReadiness
{
    /// <summary>What <see cref="Problem"/> says until the worker knows.</summary>
    public const string Starting = "It is starting.";

    /// <summary>Null if it does; else what is wrong and what to do, for people.</summary>
    public string? Problem { get; internal set; } = Starting;
}

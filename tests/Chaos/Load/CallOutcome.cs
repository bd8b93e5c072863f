namespace FaasCluster.Chaos.Load;

/// <summary>What a caller knows about its call.</summary>
internal enum CallOutcome
{
    /// <summary>Promised: 202, or an answer that came from a worker and is recorded.</summary>
    Ok,

    /// <summary>Refused before anything was done: no connection, or a 4xx of the gateway.</summary>
    Fail,

    /// <summary>It may have been done or not: the connection broke, a deadline passed, a server was away.</summary>
    Unknown,
}

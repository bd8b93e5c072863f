using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Streaming;

/// <summary>The worker's end as the gateway sees it. Neither call waits for the worker, and neither throws.</summary>
internal interface IAnswerSource
{
    /// <summary>Tells how much was passed on since the beginning.</summary>
    void Grant(long total);

    /// <summary>Tells that nobody takes the answer any more: the run is killed and ends so.</summary>
    void Refuse(ErrorCode why);
}

namespace FaasCluster.Messaging.RabbitMq.Publishing;

/// <summary>What became of a confirmed publish.</summary>
internal enum PublishOutcome
{
    /// <summary>The broker has it.</summary>
    Confirmed,

    /// <summary>No queue took it.</summary>
    Unroutable,

    /// <summary>The queue is at its limit.</summary>
    Refused,

    /// <summary>Nobody knows: the channel was lost or the confirm did not come.</summary>
    Unknown,
}

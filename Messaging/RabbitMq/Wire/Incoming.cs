using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>A message as it was delivered.</summary>
internal sealed record Incoming
{
    public required Guid FunctionId { get; init; }

    /// <summary>Null for a wake.</summary>
    public InvocationMessage? Message { get; init; }

    /// <summary>Where the answer goes; null for what nobody waits for.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>The caller's number of the call.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>How much of an answer may be under way in pieces; 0 if the caller takes it only whole.</summary>
    public int StreamWindow { get; init; }

    public int Refusals { get; init; }
}

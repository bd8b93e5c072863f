namespace FaasCluster.Messaging.UserBrokers;

/// <summary>A message to a broker of the users.</summary>
public sealed record UserMessage
{
    /// <summary>The exchange; empty for the default one.</summary>
    public required string Exchange { get; init; }

    /// <summary>The routing key; the name of a queue for the default exchange.</summary>
    public required string RoutingKey { get; init; }

    /// <summary>The same whenever it is published again.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>What it is about.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The type of <see cref="Body"/>, at most 255 bytes.</summary>
    public required string ContentType { get; init; }

    /// <summary>When what it tells happened.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>Its headers.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>What it tells.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }
}

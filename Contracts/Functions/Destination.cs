namespace FaasCluster.Contracts.Functions;

/// <summary>Where the record of an ended asynchronous invocation goes: to a function of the same account, or to a queue or exchange of the user's broker.</summary>
public sealed record Destination
{
    /// <summary>The connection of a queue for which the manifest names none.</summary>
    public const string DefaultConnection = "default";

    /// <summary>The function that is invoked with the record; null for a queue. It may be deployed later.</summary>
    public string? Function { get; init; }

    /// <summary>
    /// The connection to a broker by the name that the operator gave it (<c>Destinations:Connections:NAME</c>); null for a function.
    /// A manifest holds no addresses and no passwords.
    /// </summary>
    public string? Connection { get; init; }

    /// <summary>The exchange, at most 127 characters; empty for the default one, whose routing keys are the names of queues.</summary>
    public string Exchange { get; init; } = "";

    /// <summary>The routing key, at most 127 characters; for the default exchange the name of a queue.</summary>
    public string RoutingKey { get; init; } = "";
}

using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.DeadLetters;

/// <summary>A new invocation with the event of an old one.</summary>
public sealed record Restart
{
    /// <summary>The old invocation, whose event is taken.</summary>
    public required Guid Of { get; init; }

    /// <summary>The first attempt of the new one, without its body.</summary>
    public required InvocationMessage Message { get; init; }

    /// <summary>The function's name.</summary>
    public required string FunctionName { get; init; }
}

/// <summary>What is kept of an event.</summary>
/// <param name="Message">The invocation's last message, without its body.</param>
/// <param name="Body">The event's bytes.</param>
public sealed record KeptEvent(InvocationMessage Message, byte[] Body);

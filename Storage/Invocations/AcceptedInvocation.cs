using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Storage.Invocations;

/// <summary>An asynchronous invocation that was answered with 202: the row that says it waits.</summary>
public sealed record AcceptedInvocation
{
    /// <summary>The invocation without need of its body.</summary>
    public required InvocationMessage Message { get; init; }

    /// <summary>True if it is due later, so that its message goes to the outbox, body included.</summary>
    public bool IsLater => Message.DueAt > Message.AcceptedAt;

    /// <summary>The function's name at that time.</summary>
    public required string FunctionName { get; init; }
}

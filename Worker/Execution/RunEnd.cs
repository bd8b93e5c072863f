using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>Everything that is known when an attempt has ended.</summary>
internal sealed record RunEnd
{
    public required FunctionRevision Revision { get; init; }

    public required IDelivery Delivery { get; init; }

    public required InvocationMessage Message { get; init; }

    public required ExecutionOutcome Execution { get; init; }

    /// <summary>What was printed.</summary>
    public required ExecutionLog Log { get; init; }

    /// <summary>When a sandbox began to be got for it.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>What getting the sandbox took, if it was got for this attempt.</summary>
    public SandboxStart? Start { get; init; }

    /// <summary>The event, also if it was stored apart from its message; null if it is not known here.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>The answer that came in pieces, or would have; null if nothing ran.</summary>
    public ResponseStream? Response { get; init; }

    /// <summary>True for a call that is not acknowledged yet, because it never ran.</summary>
    public bool AcknowledgesCall { get; init; }
}

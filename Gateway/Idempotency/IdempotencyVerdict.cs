using FaasCluster.Storage.Idempotency;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Idempotency;

/// <summary>What is to be done with a request that names itself by a key.</summary>
internal sealed record IdempotencyVerdict
{
    private IdempotencyVerdict()
    {
    }

    /// <summary>The invocation that the key stands for.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>Carry it out by this claim; null: do not.</summary>
    public IdempotencyClaim? Claim { get; private init; }

    /// <summary>The key was sent with another request.</summary>
    public bool IsOtherRequest { get; private init; }

    /// <summary>The first request with the key is still being answered.</summary>
    public bool IsBusy { get; private init; }

    /// <summary>The synchronous call that was answered; null for any other verdict.</summary>
    public InvocationDetails? Call { get; private init; }

    public static IdempotencyVerdict CarryOut(IdempotencyClaim claim) => new() { InvocationId = claim.InvocationId, Claim = claim };

    /// <summary>The asynchronous invocation is there.</summary>
    public static IdempotencyVerdict Accepted(Guid invocationId) => new() { InvocationId = invocationId };

    public static IdempotencyVerdict Answered(InvocationDetails call) => new() { InvocationId = call.Summary.InvocationId, Call = call };

    public static IdempotencyVerdict OtherRequest(Guid invocationId) => new() { InvocationId = invocationId, IsOtherRequest = true };

    public static IdempotencyVerdict Busy(Guid invocationId) => new() { InvocationId = invocationId, IsBusy = true };
}

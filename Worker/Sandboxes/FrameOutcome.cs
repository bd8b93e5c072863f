using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>How an exchange with a runtime ended. Exactly one of result and error is set.</summary>
/// <param name="Result">What the function answered.</param>
/// <param name="Error">Why it did not.</param>
/// <param name="IsFatal">Whether the sandbox must not be used again: everything in it is killed.</param>
internal readonly record struct FrameOutcome(InvocationResult? Result, InvocationError? Error, bool IsFatal)
{
    public static FrameOutcome Failed(InvocationError error, bool fatal) => new(null, error, fatal);
}

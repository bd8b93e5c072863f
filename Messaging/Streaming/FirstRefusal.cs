using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Streaming;

/// <summary>
/// Why an answer in pieces is not taken: the first reason stays. Later ones only say that its call is over by now, and what acts on them
/// runs in no particular order.
/// </summary>
internal sealed class FirstRefusal
{
    private readonly Lock gate = new();
    private ErrorCode? first;

    /// <summary>Names a reason; the first that was named.</summary>
    public ErrorCode Settle(ErrorCode why)
    {
        lock (gate)
        {
            return first ??= why;
        }
    }
}

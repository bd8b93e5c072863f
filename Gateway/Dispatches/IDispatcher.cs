using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>Delivers dispatches of one kind.</summary>
internal interface IDispatcher
{
    DispatchKind Kind { get; }

    /// <summary>Delivers and, if the receiver has it, settles in the store by itself where that is one transaction with the delivery.</summary>
    Task<DispatchResult> DeliverAsync(Dispatch dispatch, CancellationToken cancellationToken);
}

/// <summary>What became of one delivery.</summary>
/// <param name="Error">Why it failed; null if the receiver has it.</param>
/// <param name="IsFinal">True if trying again cannot help.</param>
/// <param name="IsSettled">True if it is recorded already.</param>
/// <param name="RetryAfter">How long the receiver wants to be left alone; null if it did not say.</param>
internal readonly record struct DispatchResult(string? Error, bool IsFinal = false, bool IsSettled = false, TimeSpan? RetryAfter = null)
{
    public static DispatchResult Delivered { get; } = new(null);

    public static DispatchResult Settled { get; } = new(null, IsSettled: true);

    public static DispatchResult Failed(string error) => new(error);

    public static DispatchResult Refused(string error) => new(error, IsFinal: true);
}

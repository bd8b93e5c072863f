using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Gateway.Dispatches;

internal static partial class Log
{
    [LoggerMessage(3700, LogLevel.Warning, "The end of invocation {InvocationId} could not be delivered ({Kind}, attempt {Attempt}); trying again.")]
    public static partial void DeliveryFailed(ILogger logger, Guid invocationId, DispatchKind kind, int attempt, Exception exception);

    [LoggerMessage(3701, LogLevel.Warning, "What became of delivering the end of invocation {InvocationId} ({Kind}) could not be recorded; it is delivered again: {Reason}")]
    public static partial void SettlementFailed(ILogger logger, Guid invocationId, DispatchKind kind, string reason);

    [LoggerMessage(3702, LogLevel.Error, "The end of invocation {InvocationId} of {Function} was given up ({Kind}, {Attempts} attempts): {Reason}")]
    public static partial void GaveUp(ILogger logger, Guid invocationId, string function, DispatchKind kind, int attempts, string reason);
}

namespace FaasCluster.Gateway.Idempotency;

/// <summary>Log lines of idempotency keys: 3180 to 3189.</summary>
internal static partial class Log
{
    [LoggerMessage(3180, LogLevel.Warning, "What became of invocation {InvocationId} could not be noted with its Idempotency-Key ({Reason}); the next request with the key looks for itself.")]
    public static partial void KeyNotSettled(ILogger logger, Guid invocationId, string reason);
}

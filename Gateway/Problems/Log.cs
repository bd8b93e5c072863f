namespace FaasCluster.Gateway.Problems;

internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Error, "{Method} {Path} failed.")]
    public static partial void Failed(ILogger logger, Exception exception, string method, string path);

    [LoggerMessage(3001, LogLevel.Error, "{Method} {Path} failed after its answer had begun; the connection was closed.")]
    public static partial void FailedAfterStart(ILogger logger, Exception exception, string method, string path);

    [LoggerMessage(3002, LogLevel.Warning, "{Method} {Path} was answered with 503, because the store is not available: {Reason}")]
    public static partial void StoreUnavailable(ILogger logger, string method, string path, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "{Method} {Path} was answered with 503, because the broker is not available: {Reason}")]
    public static partial void BrokerUnavailable(ILogger logger, string method, string path, string reason);
}

namespace FaasCluster.Gateway.Maintenance;

internal static partial class Log
{
    [LoggerMessage(3100, LogLevel.Warning, "The store is not available yet; calls are answered with 503 until it is: {Reason}")]
    public static partial void StoreAway(ILogger logger, string reason);

    [LoggerMessage(3101, LogLevel.Information, "The store is available and up to date.")]
    public static partial void StoreReached(ILogger logger);

    [LoggerMessage(3102, LogLevel.Critical, "The store cannot be brought up to date; start this version with a store of its own or an older one.")]
    public static partial void MigrationFailed(ILogger logger, Exception exception);

    [LoggerMessage(3103, LogLevel.Warning, "Failed to {Purpose}; trying again.")]
    public static partial void PeriodicFails(ILogger logger, string purpose, Exception exception);

    [LoggerMessage(3104, LogLevel.Information, "It is possible again to {Purpose}.")]
    public static partial void PeriodicWorks(ILogger logger, string purpose);

    [LoggerMessage(3105, LogLevel.Information, "Retention removed {Partitions} partitions, {Rows} rows, {Packages} packages and {Payloads} payloads.")]
    public static partial void Retained(ILogger logger, int partitions, long rows, long packages, long payloads);

    [LoggerMessage(3106, LogLevel.Warning, "{Count} invocations outlived their deadline and were ended as expired.")]
    public static partial void Expired(ILogger logger, int count);
}

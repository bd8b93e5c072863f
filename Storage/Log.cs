using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage;

/// <summary>What the store logs; event ids 2000 to 2999.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "The store is {Dialect} ({Where}), schema version {Version}")]
    public static partial void StoreReady(this ILogger log, string dialect, string where, int version);

    [LoggerMessage(2002, LogLevel.Information, "Applied migration {Name}")]
    public static partial void Migrated(this ILogger log, string name);

    [LoggerMessage(2010, LogLevel.Error, "The store refuses attempt {Attempt} of invocation {InvocationId} of function {Function}: it is not recorded and never will be")]
    public static partial void AttemptRefused(this ILogger log, Guid invocationId, int attempt, string function, Exception exception);

    [LoggerMessage(2011, LogLevel.Error, "The store refuses the row of accepted invocation {InvocationId} of function {Function}: its status is unknown until it ends")]
    public static partial void AcceptedRefused(this ILogger log, Guid invocationId, string function, Exception exception);

    [LoggerMessage(2012, LogLevel.Error, "The store refuses a log line of invocation {InvocationId}; it is dropped")]
    public static partial void LineRefused(this ILogger log, Guid invocationId, Exception exception);

    [LoggerMessage(2013, LogLevel.Warning, "{Count} {What} wait for the store; trying again in {Delay}")]
    public static partial void WriteRetried(this ILogger log, int count, string what, TimeSpan delay, Exception exception);

    [LoggerMessage(2014, LogLevel.Information, "The store takes {What} again")]
    public static partial void WriteResumed(this ILogger log, string what);

    [LoggerMessage(2015, LogLevel.Error, "Stopped with {Count} {What} that the store has not taken")]
    public static partial void WriteAbandoned(this ILogger log, int count, string what);

    [LoggerMessage(2020, LogLevel.Warning, "Attempt {Attempt} of invocation {InvocationId} could not be published; it is tried again later")]
    public static partial void PublishFailed(this ILogger log, Guid invocationId, int attempt, Exception exception);

    [LoggerMessage(2030, LogLevel.Information, "Made partition {Partition}")]
    public static partial void PartitionMade(this ILogger log, string partition);

    [LoggerMessage(2031, LogLevel.Warning, "Partition {Partition} could not be {Action} in time without holding up traffic; it is tried again later")]
    public static partial void PartitionBusy(this ILogger log, string partition, string action);

    [LoggerMessage(2032, LogLevel.Information, "Retention removed {Partitions} partitions, {Rows} rows, {Functions} functions, {Packages} packages and {Payloads} payloads")]
    public static partial void RetentionApplied(this ILogger log, int partitions, long rows, long functions, long packages, long payloads);
}

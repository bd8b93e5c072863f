namespace FaasCluster.Gateway.Invocations;

internal static partial class Log
{
    [LoggerMessage(3300, LogLevel.Debug, "A wake for function {FunctionId} was not sent: {Reason}")]
    public static partial void WakeFailed(ILogger logger, Guid functionId, string reason);

    [LoggerMessage(3301, LogLevel.Warning, "Invocation {InvocationId} of {Name} was lost with worker {WorkerId}.")]
    public static partial void WorkerLost(ILogger logger, Guid invocationId, string name, string? workerId);

    [LoggerMessage(3302, LogLevel.Error, "Invocation {InvocationId} of {Name} could not be recorded as lost.")]
    public static partial void LostNotRecorded(ILogger logger, Guid invocationId, string name, Exception exception);

    [LoggerMessage(3303, LogLevel.Warning, "The queue of {Name} could not be made again: {Reason}")]
    public static partial void QueueRepairFailed(ILogger logger, string name, string reason);

    [LoggerMessage(3304, LogLevel.Information, "The queue of {Name} was missing or not confirmed and was declared again.")]
    public static partial void QueueRepaired(ILogger logger, string name);
}

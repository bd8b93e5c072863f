using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.InProcess;

/// <summary>Log lines of the in-process broker: 1800 to 1899.</summary>
internal static partial class Log
{
    [LoggerMessage(1800, LogLevel.Error, "A consumer of the in-process queue failed; its delivery stays unsettled.")]
    public static partial void ConsumerFailed(ILogger logger, Exception exception);

    [LoggerMessage(1801, LogLevel.Error, "Message {Tag} of function {FunctionId} is not in the queue's file or cannot be read; it is dropped.")]
    public static partial void Unreadable(ILogger logger, long tag, Guid functionId);

    [LoggerMessage(1802, LogLevel.Error, "Message {Tag} of function {FunctionId} could not be handed out; it is tried again.")]
    public static partial void HandOutFailed(ILogger logger, Exception exception, long tag, Guid functionId);

    [LoggerMessage(1803, LogLevel.Warning, "The queue of function {FunctionId} was not there; it is declared again.")]
    public static partial void QueueHealed(ILogger logger, Guid functionId);
}

using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.ControlBus;

/// <summary>Log lines of the control bus: 1700 to 1799.</summary>
internal static partial class Log
{
    [LoggerMessage(1700, LogLevel.Warning, "The control bus does not take messages; they are kept and sent later, the newest thousand of them.")]
    public static partial void ControlBusAway(ILogger logger, Exception exception);

    [LoggerMessage(1701, LogLevel.Information, "The control bus takes messages again.")]
    public static partial void ControlBusBack(ILogger logger);

    [LoggerMessage(1702, LogLevel.Error, "{Handler} failed on a {Message}; the message is a hint and is not repeated.")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string handler, string message);

    [LoggerMessage(1703, LogLevel.Information, "The control bus's queue {Queue} was not deleted; the broker does it after {Expiration}: {Reason}")]
    public static partial void QueueLeft(ILogger logger, string queue, TimeSpan expiration, string reason);
}

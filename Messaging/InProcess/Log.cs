using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.InProcess;

/// <summary>Log lines of the in-process broker: 1800 to 1899.</summary>
internal static partial class Log
{
    [LoggerMessage(1800, LogLevel.Error, "A consumer of the in-process queue failed; its delivery stays unsettled.")]
    public static partial void ConsumerFailed(ILogger logger, Exception exception);
}

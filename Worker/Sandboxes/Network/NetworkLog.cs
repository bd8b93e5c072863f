namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Log lines of sandboxes' networks: 4250 to 4279.</summary>
internal static partial class NetworkLog
{
    [LoggerMessage(4250, LogLevel.Error, "The network helper ended with status {Status}; the next request starts another.")]
    public static partial void HelperEnded(ILogger logger, int status);

    [LoggerMessage(4251, LogLevel.Warning, "{Problem}")]
    public static partial void NoEgress(ILogger logger, string problem);
}

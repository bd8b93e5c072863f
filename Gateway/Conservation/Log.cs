namespace FaasCluster.Gateway.Conservation;

internal static partial class Log
{
    [LoggerMessage(3120, LogLevel.Error, "Of {Open} open invocations {Missing} are neither in the outbox ({Outbox}) nor in the broker ({Ready} ready, {Held} held). They end at their maximum age; was a queue deleted or purged?")]
    public static partial void Missing(ILogger logger, long missing, long open, long outbox, long ready, long held);

    [LoggerMessage(3121, LogLevel.Information, "Every open invocation is in the outbox or in the broker again.")]
    public static partial void Conserved(ILogger logger);
}

namespace FaasCluster.Worker.Concurrency;

/// <summary>The log of the slot leases: 4080 to 4089.</summary>
internal static partial class SlotLog
{
    [LoggerMessage(4080, LogLevel.Warning, "A slot of function {FunctionId} could not be given back; it is with the next renewal.")]
    public static partial void ReleaseLater(ILogger logger, Exception exception, Guid functionId);

    [LoggerMessage(4081, LogLevel.Warning, "The leases of slots could not be renewed; functions with a concurrency limit start no runs once they may have lapsed.")]
    public static partial void RenewFailed(ILogger logger, Exception exception);

    [LoggerMessage(4082, LogLevel.Warning, "The leases of {Slots} slots of function {FunctionId} lapsed and others have them; what ran on them is killed.")]
    public static partial void Lost(ILogger logger, Guid functionId, int slots);

    [LoggerMessage(4083, LogLevel.Warning, "The leases of {Slots} slots of function {FunctionId} could not be renewed and are about to lapse; what runs on them is killed, and comes again if nobody waits for it.")]
    public static partial void Lapsing(ILogger logger, Guid functionId, int slots);

    [LoggerMessage(4084, LogLevel.Error, "The renewal of leases failed; it goes on.")]
    public static partial void RenewBroke(ILogger logger, Exception exception);
}

namespace FaasCluster.Gateway.Functions;

internal static partial class Log
{
    [LoggerMessage(3200, LogLevel.Warning, "The queues of the deleted function {FunctionId} could not be taken away yet; trying again: {Reason}")]
    public static partial void RemovalPostponed(ILogger logger, Guid functionId, string reason);

    [LoggerMessage(3201, LogLevel.Information, "Deployed {Name} revision {Revision} ({Runtime}, {Bytes} bytes) for account {AccountId}.")]
    public static partial void Deployed(ILogger logger, string name, int revision, string runtime, long bytes, string accountId);

    [LoggerMessage(3202, LogLevel.Information, "Deleted {Name} of account {AccountId}.")]
    public static partial void Deleted(ILogger logger, string name, string accountId);

    [LoggerMessage(3203, LogLevel.Warning, "The new function {Name} was taken back, because its queue could not be made: {Reason}")]
    public static partial void DeployTakenBack(ILogger logger, string name, string reason);
}

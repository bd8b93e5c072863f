namespace FaasCluster.Gateway.DeadLetters;

internal static partial class Log
{
    [LoggerMessage(3400, LogLevel.Warning, "Dead letters cannot be taken yet; trying again: {Reason}")]
    public static partial void SubscriptionFails(ILogger logger, string reason);

    [LoggerMessage(3401, LogLevel.Warning, "The dead letter of invocation {InvocationId} could not be recorded; it comes again.")]
    public static partial void RecordingFails(ILogger logger, Guid? invocationId, Exception exception);

    [LoggerMessage(3402, LogLevel.Warning, "Invocation {InvocationId} reached its delivery limit with {Starts} start marks; it is no poison and was sent again.")]
    public static partial void SentAgain(ILogger logger, Guid invocationId, int starts);

    [LoggerMessage(3403, LogLevel.Error, "Invocation {InvocationId} of {Name} reached its delivery limit and ended: {Code}.")]
    public static partial void Ended(ILogger logger, Guid invocationId, string name, string code);
}

namespace FaasCluster.Worker.Execution;

/// <summary>Log lines of executing invocations: 4100 to 4199.</summary>
internal static partial class Log
{
    [LoggerMessage(4100, LogLevel.Error, "Invocation {InvocationId} attempt {Attempt} could not be completed; it stays unacknowledged and comes again.")]
    public static partial void CompletionFailed(ILogger logger, Exception exception, Guid invocationId, int attempt);

    [LoggerMessage(4101, LogLevel.Error, "The store refused the record of invocation {InvocationId} attempt {Attempt}; the store's log says why.")]
    public static partial void RecordRefused(ILogger logger, Guid invocationId, int attempt);

    [LoggerMessage(4102, LogLevel.Warning, "A message asks for revision {Revision} of function {FunctionId}, which never was; dropped.")]
    public static partial void UnknownRevision(ILogger logger, Guid functionId, int revision);

    [LoggerMessage(4103, LogLevel.Warning, "The store does not answer; an invocation waits for it.")]
    public static partial void StoreAway(ILogger logger, Exception exception);
}

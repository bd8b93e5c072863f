namespace FaasCluster.Worker.Lanes;

/// <summary>Log lines of the lanes: 4000 to 4099.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Warning, "The store does not answer; an invocation of function {FunctionId} waits for it.")]
    public static partial void StoreAway(ILogger logger, Exception exception, Guid functionId);

    [LoggerMessage(4001, LogLevel.Error, "Starting a sandbox for function {FunctionId} failed.")]
    public static partial void StartFailed(ILogger logger, Exception exception, Guid functionId);

    [LoggerMessage(4002, LogLevel.Error, "Running invocation {InvocationId} attempt {Attempt} failed in the worker.")]
    public static partial void RunFailed(ILogger logger, Exception exception, Guid invocationId, int attempt);

    [LoggerMessage(4003, LogLevel.Error, "A lane's background work failed.")]
    public static partial void BackgroundFailed(ILogger logger, Exception exception);

    [LoggerMessage(4004, LogLevel.Information, "Worker {WorkerId} takes work: {MemoryMb} MB for sandboxes, runtimes {Runtimes}.")]
    public static partial void Started(ILogger logger, string workerId, long memoryMb, string runtimes);

    [LoggerMessage(4005, LogLevel.Information, "Worker {WorkerId} drains: it finishes {Lanes} warm functions and takes no more work.")]
    public static partial void Draining(ILogger logger, string workerId, int lanes);

    [LoggerMessage(4006, LogLevel.Information, "Worker {WorkerId} has drained.")]
    public static partial void Drained(ILogger logger, string workerId);

    [LoggerMessage(4007, LogLevel.Critical, "This worker takes no work: {Problem}")]
    public static partial void NotFit(ILogger logger, string problem);

    [LoggerMessage(4009, LogLevel.Warning, "A sandbox of function {FunctionId} that is to be kept loaded (minInstances) did not start; it is tried again: {Reason}")]
    public static partial void MinimumNotStarted(ILogger logger, Guid functionId, string reason);

    [LoggerMessage(4010, LogLevel.Warning, "It could not be asked which functions are kept loaded (minInstances); it stays as it was.")]
    public static partial void MinimumUnknown(ILogger logger, Exception exception);

    [LoggerMessage(4008, LogLevel.Warning, "The drain time is over; what still runs is ended and comes again on another worker.")]
    public static partial void DrainTimeOver(ILogger logger);
}

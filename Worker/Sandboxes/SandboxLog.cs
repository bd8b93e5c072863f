namespace FaasCluster.Worker.Sandboxes;

/// <summary>Log lines of sandboxes and packages: 4200 to 4299.</summary>
internal static partial class SandboxLog
{
    [LoggerMessage(4200, LogLevel.Error, "A sandbox event was not handled.")]
    public static partial void EventFailed(ILogger logger, Exception exception);

    [LoggerMessage(4201, LogLevel.Warning, "'{Directory}' of the package cache was not removed; it goes with the worker's end.")]
    public static partial void PackageNotRemoved(ILogger logger, Exception exception, string directory);

    [LoggerMessage(4202, LogLevel.Information, "Sandboxes: {Isolation}, canary passed, {Cgroups}, runtimes {Runtimes}, ready in {Milliseconds} ms.")]
    public static partial void Ready(ILogger logger, string isolation, string cgroups, string runtimes, long milliseconds);

    [LoggerMessage(4203, LogLevel.Warning, "Memory limits are not enforced for a function as a whole, only for each of its processes: {Cgroups}. Delegate a cgroup to the worker (systemd: Delegate=yes) or run it as root.")]
    public static partial void NotEnforced(ILogger logger, string cgroups);

    [LoggerMessage(4204, LogLevel.Warning, "The kernel does not account swap ({Cgroups}): what a function has swapped out does not count as its memory. Switch swap off or its accounting on (swapaccount=1).")]
    public static partial void SwapNotCounted(ILogger logger, string cgroups);

    [LoggerMessage(4205, LogLevel.Error, "A sandbox was not removed completely.")]
    public static partial void NotRemoved(ILogger logger, Exception exception);

    [LoggerMessage(4206, LogLevel.Warning, "Booting a sandbox ahead for {Runtime} failed: {Problem}")]
    public static partial void PoolBootFailed(ILogger logger, string runtime, string problem);

    [LoggerMessage(4207, LogLevel.Information, "Removed what a worker left that did not end by itself: {Directory}.")]
    public static partial void Swept(ILogger logger, string directory);

    [LoggerMessage(4208, LogLevel.Critical, "The sandbox does not hold, so this worker takes no work: {Problem}")]
    public static partial void NotTight(ILogger logger, string problem);
}

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>How a sandbox's main process ended.</summary>
/// <param name="Status">Its exit status; 128 and the signal's number if a signal killed it, as a shell says it.</param>
internal readonly record struct ProcessExit(int Status)
{
    /// <summary>For people: "exited with status 3" or "was killed by signal 11 (SIGSEGV)".</summary>
    public override string ToString() => Status switch
    {
        > 128 and <= 128 + 64 => $"was killed by signal {Status - 128}{Name(Status - 128)}",
        _ => $"exited with status {Status}",
    };

    private static string Name(int signal) => signal switch
    {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        25 => " (SIGXFSZ: a file grew beyond the limit)",
        31 => " (SIGSYS: a forbidden system call)",
        _ => "",
    };
}

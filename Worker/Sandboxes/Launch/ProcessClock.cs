using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>CPU time of one process with all its threads, but not its children: the best that can be had without a cgroup.</summary>
internal static class ProcessClock
{
    /// <summary>Reads it; null if there is no such process.</summary>
    public static unsafe TimeSpan? Read(int process)
    {
        // clock_getcpuclockid(3) makes this number of the process id: CPUCLOCK_SCHED of the whole process.
        var time = stackalloc long[2];
        return process > 0 && Libc.clock_gettime((~process << 3) | 2, time) == 0
            ? TimeSpan.FromSeconds(time[0]) + TimeSpan.FromMicroseconds(time[1] / 1000.0)
            : null;
    }
}

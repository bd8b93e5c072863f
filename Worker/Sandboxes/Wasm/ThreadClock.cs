using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>CPU time of the calling thread.</summary>
internal static class ThreadClock
{
    private const int CLOCK_THREAD_CPUTIME_ID = 3;

    public static unsafe TimeSpan Now
    {
        get
        {
            var time = stackalloc long[2];
            _ = Libc.clock_gettime(CLOCK_THREAD_CPUTIME_ID, time);
            return TimeSpan.FromSeconds(time[0]) + TimeSpan.FromMicroseconds(time[1] / 1000.0);
        }
    }
}

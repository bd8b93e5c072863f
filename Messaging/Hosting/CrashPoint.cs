#if FAULTS
using System.Diagnostics;

namespace FaasCluster.Messaging.Hosting;

/// <summary>
/// A place in the code where a test can let the process die as by <c>kill -9</c>; compiled in only by <c>-p:Faults=true</c>. The file
/// named by the environment variable FAAS_CRASH holds the name of the point; it is removed by the crash.
/// </summary>
public static class CrashPoint
{
    private static readonly string? Order = Environment.GetEnvironmentVariable("FAAS_CRASH");

    /// <summary>Dies here if this point is asked for.</summary>
    public static void Pass(string name)
    {
        if (Order is null || !File.Exists(Order))
        {
            return;
        }

        try
        {
            if (File.ReadAllText(Order).Trim() != name)
            {
                return;
            }

            File.Delete(Order);
        }
        catch (IOException)
        {
            return;
        }

        using var self = Process.GetCurrentProcess();
        self.Kill();
    }
}
#endif

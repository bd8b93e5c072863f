using System.Diagnostics;
using System.Runtime.InteropServices;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Machine;

/// <summary>What the disk asks for one small durable write: every durable figure stands beside it.</summary>
internal static partial class SyncTime
{
    private const int Writes = 200;

    /// <summary>Times of 8 kB written and made durable, in the directory that holds the servers' data.</summary>
    public static Samples Measure(string directory)
    {
        var path = Path.Combine(directory, "sync-time");
        var samples = new Samples();
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose, preallocationSize: Writes * 8192L);
        var block = new byte[8192];
        for (var i = 0; i < Writes; i++)
        {
            var started = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, block, i * 8192L);
            if (DataSync(file) != 0)
            {
                throw new BenchFailedException($"fdatasync failed (errno {Marshal.GetLastPInvokeError()}).");
            }

            samples.AddSince(started);
        }

        return samples;
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int DataSync(SafeHandle file);
}

using System.Runtime.InteropServices;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Packages;

/// <summary>
/// A file that anybody has open for writing cannot be started as a program (execve(2): ETXTBSY). Who unpacked it has closed it, but a
/// process that the worker was starting at that moment has a copy of the descriptor until its own program runs.
/// </summary>
internal static class OpenWriters
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Returns when nobody has the file open for writing, or after some seconds: then its start says what is wrong.</summary>
    public static async Task WhenGoneAsync(string file, TimeProvider time, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        using var descriptor = Descriptor.Open(file, Libc.O_RDONLY);
        while (IsOpenForWriting(descriptor) && time.GetElapsedTime(since) < Patience)
        {
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    // A read lease is given on a file without writers alone (fcntl(2)). File systems that have none are not asked again.
    private static bool IsOpenForWriting(Descriptor file)
    {
        if (Libc.fcntl(file.Number, Libc.F_SETLEASE, Libc.F_RDLCK) < 0)
        {
            return Marshal.GetLastPInvokeError() == Libc.EAGAIN;
        }

        _ = Libc.fcntl(file.Number, Libc.F_SETLEASE, Libc.F_UNLCK);
        return false;
    }
}

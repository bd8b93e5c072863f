using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>One process of the network helper. It ends when the other end of its socket is closed, so also when the worker is killed.</summary>
internal sealed class HelperProcess
{
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly EventLoop loop;
    private readonly Descriptor process;
    private readonly Action<int> onEnd;
    private long key;

    private HelperProcess(int id, Descriptor process, Descriptor socket, EventLoop loop, Action<int> onEnd)
    {
        Id = id;
        Socket = socket;
        this.process = process;
        this.loop = loop;
        this.onEnd = onEnd;
    }

    /// <summary>Its process id.</summary>
    public int Id { get; }

    /// <summary>Where requests are sent.</summary>
    public Descriptor Socket { get; }

    /// <summary>Ends with the process.</summary>
    public Task Ended => ended.Task;

    /// <summary>Starts it, with an empty environment and no descriptor but its socket.</summary>
    public static HelperProcess Start(string python, string script, EventLoop loop, Action<int> onEnd)
    {
        var (ours, theirs) = Descriptor.SocketPair(Libc.PacketSocket);
        var id = 0;
        try
        {
            using (theirs)
            {
                using var nothing = Descriptor.Open("/dev/null", Libc.O_WRONLY);
                id = Spawn.Start(python, [python, "-I", "-S", "-B", script], [theirs.Number, nothing.Number, nothing.Number]);
            }

            var started = new HelperProcess(id, Descriptor.Own(Libc.pidfd_open(id, 0), "pidfd_open"), ours, loop, onEnd);
            lock (started.ended)
            {
                started.key = loop.Add(started.process, started.Reap);
            }

            return started;
        }
        catch
        {
            ours.Dispose();
            if (id != 0)
            {
                Spawn.KillAndReap(id);
            }

            throw;
        }
    }

    // On the loop's thread.
    private unsafe void Reap()
    {
        lock (ended)
        {
            // siginfo_t: si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status.
            var info = stackalloc int[32];
            if (ended.Task.IsCompleted || (Libc.waitid(Libc.P_PIDFD, process.Number, (byte*)info, Libc.WEXITED | Libc.WNOHANG) == 0 && info[0] == 0))
            {
                return;
            }

            loop.Remove(process, key);
            process.Dispose();
            ended.SetResult();
            onEnd(info[6]);
        }
    }
}

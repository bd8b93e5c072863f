using System.Globalization;
using System.Net.Sockets;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Frames;
using FaasCluster.Worker.Sandboxes.Native;
using FaasCluster.Worker.Sandboxes.Network;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>One running sandbox, whatever runs in it: its process, cgroup, directory, output and control channel.</summary>
internal sealed class SandboxProcess : IAsyncDisposable
{
    private static readonly TimeSpan NamespacePatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly EventLoop loop;
    private readonly Descriptor process;
    private readonly TaskCompletionSource<ProcessExit> exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action ended;
    private readonly long key;
    private readonly Lock gate = new();
    private Task? end;
    private int payload;

    public SandboxProcess(int processId, Descriptor process, EventLoop loop, ICgroup cgroup, string directory, OutputCapture output, Descriptor control, Action ended)
    {
        ProcessId = processId;
        this.process = process;
        this.loop = loop;
        this.ended = ended;
        Cgroup = cgroup;
        Directory = directory;
        Output = output;
        Channel = new FrameChannel(new Socket(new SafeSocketHandle(control.Release(), ownsHandle: true)));
        key = loop.Add(process, Reap);
    }

    /// <summary>The isolator's process id on the host.</summary>
    public int ProcessId { get; }

    /// <summary>Its user on the host; null if it is the worker's.</summary>
    public int? UserId { get; init; }

    /// <summary>The sandbox's cgroup.</summary>
    public ICgroup Cgroup { get; }

    /// <summary>Its directory on the host; /var/task is "task" below it unless the package was bound.</summary>
    public string Directory { get; }

    /// <summary>Where <see cref="RootTree.TaskDirectory"/> is filled from.</summary>
    public string TaskDirectory => Path.Combine(Directory, "task");

    /// <summary>What it prints.</summary>
    public OutputCapture Output { get; }

    /// <summary>What it may reach; null until it is opened to that.</summary>
    public SandboxNetwork? Network { get; set; }

    /// <summary>A listener inside, where its runtime wants one; nothing connects to it before the sandbox has a function. Closed with the sandbox.</summary>
    public Socket? Listener { get; set; }

    /// <summary>What <see cref="Tell"/> fills; null if the sandbox was told everything at its start.</summary>
    public Descriptor? Told { get; init; }

    /// <summary>Its control channel.</summary>
    public FrameChannel Channel { get; }

    /// <summary>Ends with the main process.</summary>
    public Task<ProcessExit> Exited => exited.Task;

    /// <summary>When it was started, by the monotonic clock.</summary>
    public long StartedAt { get; } = System.Diagnostics.Stopwatch.GetTimestamp();

    /// <summary>CPU used so far: of the cgroup, or without one of the main process alone.</summary>
    public TimeSpan? ReadCpuTime() => Cgroup.ReadCpuTime() ?? ProcessClock.Read(FindPayload());

    /// <summary>A process in the sandbox's namespaces, by its id on the host and a descriptor that keeps the id from being another's.</summary>
    /// <exception cref="IOException">There is none: it is not made yet, or has ended.</exception>
    public (int Id, Descriptor Handle) OpenInside()
    {
        // What was asked for rather than bubblewrap's own: an ordinary user may look into its namespaces, and not into bubblewrap's.
        var first = FindChild(ProcessId);
        var id = FindChild(first) is > 0 and var child ? child : first;
        if (id > 0)
        {
            var handle = TryOpen(id);
            if (handle is not null && (id == first ? FindChild(ProcessId) : FindChild(FindChild(ProcessId))) == id)
            {
                return (id, handle);
            }

            handle?.Dispose();
        }

        throw new IOException("The sandbox has no process.");
    }

    /// <summary>Limits the memory of the main process alone: what can be done without a cgroup.</summary>
    public unsafe void LimitPayload(long memoryBytes)
    {
        var limits = stackalloc ulong[] { (ulong)memoryBytes, (ulong)memoryBytes };
        if (FindPayload() is var id and > 0 && Libc.prlimit(id, Libc.RLIMIT_DATA, limits, null) < 0)
        {
            throw Libc.Failed("prlimit(RLIMIT_DATA)");
        }
    }

    /// <summary>Gives its standard input the contents that were left open at its start (<see cref="LaunchRequest.IsToldLater"/>), once.</summary>
    public void Tell(ReadOnlySpan<byte> contents)
    {
        using (Told!)
        {
            Told!.Fill(contents);
        }
    }

    /// <summary>Waits until what was started says READY (runtimes/PROTOCOL.md); false if it ended, or said something else, before.</summary>
    public async Task<bool> WhenReadyAsync(CancellationToken cancellationToken)
    {
        // Whoever is left of a sandbox that was killed half made may hold the socket open without ever using it.
        var ready = Channel.ReceiveAsync(0, cancellationToken).AsTask();
        if (await Task.WhenAny(ready, Exited) != ready)
        {
            return false;
        }

        try
        {
            return (await ready).Type == FrameType.Ready;
        }
        catch (Exception exception) when (exception is EndOfStreamException or FrameException or FrameTooLargeException or SocketException)
        {
            return false;
        }
    }

    /// <summary>Kills everything in the sandbox and returns when processes and cgroup and directory are gone. Can be called again.</summary>
    public Task EndAsync()
    {
        lock (gate)
        {
            return end ??= EndOnceAsync();
        }
    }

    /// <summary>Kills everything and waits until the main process is gone; counters can still be read.</summary>
    public async Task KillAsync()
    {
        // The first process of the process-id namespace takes everything in it along, however it forks. The cgroup catches what
        // could still be left, for example of a sandbox that is only half made.
        KillNamespace();
        try
        {
            await Exited.WaitAsync(NamespacePatience);
        }
        catch (TimeoutException)
        {
            Cgroup.Kill();
            await Exited.WaitAsync(Patience);
        }
    }

    public ValueTask DisposeAsync() => new(EndAsync());

    private async Task EndOnceAsync()
    {
        try
        {
            await KillAsync();
            await Cgroup.RemoveAsync(CancellationToken.None);
        }
        finally
        {
            await (Network?.DisposeAsync() ?? default);
            Listener?.Dispose();
            Told?.Dispose();
            Channel.Dispose();
            Output.Dispose();
            lock (gate)
            {
                loop.Remove(process, key);
                process.Dispose();
            }
        }

        InstanceDirectory.TryDelete(Directory);
        ended();
    }

    private void KillNamespace()
    {
        lock (gate)
        {
            if (process.Number < 0 || Exited.IsCompleted)
            {
                return;
            }

            // The first process in the namespace before its parent: so the parent lives to reap it, and no zombie is left to the host's init.
            if (FindChild(ProcessId) is var first and > 0)
            {
                using var handle = TryOpen(first);
                if (handle is not null && FindChild(ProcessId) == first)
                {
                    _ = Libc.pidfd_send_signal(handle.Number, Libc.SIGKILL, 0, 0);
                    return;
                }
            }

            // Still starting: the launcher's process and what it has made so far are one process group.
            _ = Libc.kill(-ProcessId, Libc.SIGKILL);
        }
    }

    // On the loop's thread.
    private unsafe void Reap()
    {
        lock (gate)
        {
            if (process.Number < 0)
            {
                return;
            }

            // siginfo_t: si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status.
            var info = stackalloc int[32];
            if (Libc.waitid(Libc.P_PIDFD, process.Number, (byte*)info, Libc.WEXITED | Libc.WNOHANG) < 0)
            {
                exited.TrySetException(Libc.Failed("waitid"));
            }
            else if (info[0] == 0)
            {
                return;
            }
            else
            {
                const int exitedByItself = 1;
                exited.TrySetResult(new ProcessExit(info[2] == exitedByItself ? info[6] : 128 + info[6]));
            }

            loop.Remove(process, key);
        }
    }

    // The isolator outside, process 1 inside, and what was asked for below it.
    private int FindPayload() => payload != 0 ? payload : payload = FindChild(FindChild(ProcessId));

    private static int FindChild(int parent)
    {
        if (parent <= 0)
        {
            return 0;
        }

        try
        {
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{parent}/task/{parent}/children"));
            return int.TryParse(text.Split(' ', 2)[0], NumberStyles.None, CultureInfo.InvariantCulture, out var child) ? child : 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static Descriptor? TryOpen(int id)
    {
        var number = Libc.pidfd_open(id, 0);
        return number < 0 ? null : Descriptor.Own(number, "pidfd_open");
    }
}

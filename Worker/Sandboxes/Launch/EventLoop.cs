using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>
/// One thread that watches the pipes and processes of all sandboxes. epoll(7) and not a blocked thread per pipe: hundreds of
/// idle sandboxes cost nothing, and what a lane registers or masks needs no wake-up of this thread.
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private const int MostEvents = 64;

    // struct epoll_event is packed on x86-64 and only there.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + 8;

    private readonly ConcurrentDictionary<long, Action> callbacks = new();
    private readonly Descriptor epoll = Descriptor.Own(Libc.epoll_create1(Libc.O_CLOEXEC), "epoll_create1");
    private readonly Descriptor stop = Descriptor.Own(Libc.eventfd(0, Libc.O_CLOEXEC), "eventfd");
    private readonly Thread thread;
    private readonly Action<Exception> failed;
    private long lastKey;

    /// <summary>Starts the thread.</summary>
    /// <param name="failed">Receives what a callback throws: a bug.</param>
    public EventLoop(Action<Exception> failed)
    {
        this.failed = failed;
        Control(Libc.EPOLL_CTL_ADD, stop, 0, Libc.EPOLLIN);
        thread = new Thread(Run) { IsBackground = true, Name = "sandbox events" };
        thread.Start();
    }

    /// <summary>Calls back, on the loop's thread, whenever a descriptor can be read or has ended.</summary>
    /// <returns>A key for <see cref="Mask"/> and <see cref="Remove"/>.</returns>
    public long Add(Descriptor descriptor, Action readable)
    {
        var key = Interlocked.Increment(ref lastKey);
        callbacks[key] = readable;
        try
        {
            Control(Libc.EPOLL_CTL_ADD, descriptor, key, Libc.EPOLLIN);
            return key;
        }
        catch
        {
            callbacks.TryRemove(key, out _);
            throw;
        }
    }

    /// <summary>Stops or resumes calling back.</summary>
    public void Mask(Descriptor descriptor, long key, bool masked) =>
        Control(Libc.EPOLL_CTL_MOD, descriptor, key, masked ? 0 : Libc.EPOLLIN);

    /// <summary>Ends calling back. Must come before the descriptor is closed.</summary>
    public void Remove(Descriptor descriptor, long key)
    {
        if (callbacks.TryRemove(key, out _))
        {
            Control(Libc.EPOLL_CTL_DEL, descriptor, key, 0);
        }
    }

    public unsafe void Dispose()
    {
        var one = 1L;
        _ = Libc.write(stop.Number, (byte*)&one, sizeof(long));
        thread.Join();
        stop.Dispose();
        epoll.Dispose();
    }

    private unsafe void Control(int operation, Descriptor descriptor, long key, uint events)
    {
        Span<byte> change = stackalloc byte[16];
        change.Clear();
        MemoryMarshal.Write(change, events);
        MemoryMarshal.Write(change[DataOffset..], key);
        fixed (byte* pointer = change)
        {
            if (Libc.epoll_ctl(epoll.Number, operation, descriptor.Number, pointer) < 0)
            {
                throw Libc.Failed("epoll_ctl");
            }
        }
    }

    private unsafe void Run()
    {
        var buffer = new byte[MostEvents * EventSize];
        fixed (byte* events = buffer)
        {
            while (true)
            {
                var count = Libc.epoll_wait(epoll.Number, events, MostEvents, -1);
                for (var i = 0; i < count; i++)
                {
                    var key = MemoryMarshal.Read<long>(buffer.AsSpan((i * EventSize) + DataOffset));
                    if (key == 0)
                    {
                        return;
                    }

                    // Without a callback it was removed while the event was under way.
                    if (callbacks.TryGetValue(key, out var readable))
                    {
                        Call(readable);
                    }
                }
            }
        }
    }

    private void Call(Action readable)
    {
        try
        {
            readable();
        }
        catch (Exception exception)
        {
            failed(exception);
        }
    }
}

using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Native;

/// <summary>An open file descriptor, closed once. All are close-on-exec and above 9, so that the launcher can place them freely below.</summary>
internal sealed class Descriptor : IDisposable
{
    private int _number;

    private Descriptor(int number) => _number = number;

    /// <summary>The number, or -1 after it was closed.</summary>
    public int Number => Volatile.Read(ref _number);

    public static Descriptor Own(int number, string call)
    {
        if (number < 0)
        {
            throw Libc.Failed(call);
        }

        if (number >= 10)
        {
            return new Descriptor(number);
        }

        var high = Libc.fcntl(number, Libc.F_DUPFD_CLOEXEC, 10);
        _ = Libc.close(number);
        return high < 0 ? throw Libc.Failed("fcntl(F_DUPFD_CLOEXEC)") : new Descriptor(high);
    }

    public static Descriptor Open(string path, int flags) => Own(Libc.open(path, flags | Libc.O_CLOEXEC, 0x180), $"open('{path}')");

    public static unsafe (Descriptor Read, Descriptor Write) Pipe()
    {
        var pair = stackalloc int[2];
        if (Libc.pipe2(pair, Libc.O_CLOEXEC) < 0)
        {
            throw Libc.Failed("pipe2");
        }

        return (Own(pair[0], "pipe2"), Own(pair[1], "pipe2"));
    }

    public static unsafe (Descriptor Ours, Descriptor Theirs) SocketPair(int type = Libc.StreamSocket)
    {
        var pair = stackalloc int[2];
        if (Libc.socketpair(Libc.AF_UNIX, type, 0, pair) < 0)
        {
            throw Libc.Failed("socketpair");
        }

        return (Own(pair[0], "socketpair"), Own(pair[1], "socketpair"));
    }

    /// <summary>A file in memory with the given contents, at its start, that nobody can change any more.</summary>
    public static Descriptor Memory(string name, ReadOnlySpan<byte> contents)
    {
        var file = Memory(name);
        try
        {
            file.Fill(contents);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An empty file in memory, for <see cref="Fill"/>.</summary>
    public static Descriptor Memory(string name) => Own(Libc.memfd_create(name, Libc.MemfdFlags), "memfd_create");

    /// <summary>Gives a file in memory its contents, once; nobody can change them any more.</summary>
    public unsafe void Fill(ReadOnlySpan<byte> contents)
    {
        fixed (byte* bytes = contents)
        {
            for (nint written = 0; written < contents.Length;)
            {
                var count = Libc.write(Number, bytes + written, contents.Length - written);
                if (count < 0)
                {
                    throw Libc.Failed("write to a memfd");
                }

                written += count;
            }
        }

        if (Libc.lseek(Number, 0, 0) < 0 || Libc.fcntl(Number, Libc.F_ADD_SEALS, Libc.AllSeals) < 0)
        {
            throw Libc.Failed("sealing a memfd");
        }
    }

    /// <summary>One read at an offset: the count.</summary>
    /// <exception cref="IOException">The kernel refused it.</exception>
    public unsafe int ReadAt(Span<byte> buffer, long offset)
    {
        fixed (byte* bytes = buffer)
        {
            var count = Libc.pread(Number, bytes, buffer.Length, (nint)offset);
            return count < 0 ? throw Libc.Failed("pread") : (int)count;
        }
    }

    /// <summary>One write at an offset, of everything.</summary>
    /// <exception cref="IOException">The kernel refused it.</exception>
    public unsafe void WriteAt(ReadOnlySpan<byte> contents, long offset)
    {
        fixed (byte* bytes = contents)
        {
            if (Libc.pwrite(Number, bytes, contents.Length, (nint)offset) != contents.Length)
            {
                throw Libc.Failed("pwrite");
            }
        }
    }

    public void MakeNonBlocking()
    {
        if (Libc.fcntl(Number, Libc.F_SETFL, Libc.O_NONBLOCK) < 0)
        {
            throw Libc.Failed("fcntl(F_SETFL)");
        }
    }

    /// <summary>Reads without waiting: the count, 0 at the end of the file, -1 if there is nothing now.</summary>
    public unsafe int Read(Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            while (true)
            {
                var count = Libc.read(Number, bytes, buffer.Length);
                if (count >= 0)
                {
                    return (int)count;
                }

                switch (Marshal.GetLastPInvokeError())
                {
                    case Libc.EINTR:
                        continue;
                    case Libc.EAGAIN:
                        return -1;
                    default:
                        return 0;
                }
            }
        }
    }

    /// <summary>Gives the number away: whoever takes it closes it.</summary>
    public int Release() => Interlocked.Exchange(ref _number, -1);

    public void Dispose()
    {
        if (Release() is >= 0 and var number)
        {
            _ = Libc.close(number);
        }
    }
}

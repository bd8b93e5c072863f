using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Native;

/// <summary>The calls that .NET has no counterpart for. Constants are those of Linux on x86-64 and arm64 with glibc 2.34 or newer.</summary>
internal static partial class Libc
{
    public const int EINTR = 4;
    public const int EAGAIN = 11;
    public const int ESRCH = 3;

    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CLOEXEC = 0x80000;
    public const int O_CREAT = 0x40;
    public const int O_NONBLOCK = 0x800;

    public const int F_SETFL = 4;
    public const int F_SETLEASE = 1024;
    public const int F_ADD_SEALS = 1033;
    public const int F_DUPFD_CLOEXEC = 1030;

    /// <summary>F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE.</summary>
    public const int AllSeals = 15;

    /// <summary>MFD_CLOEXEC and MFD_ALLOW_SEALING.</summary>
    public const uint MemfdFlags = 3;

    public const int F_RDLCK = 0;
    public const int F_UNLCK = 2;

    public const int AF_UNIX = 1;

    /// <summary>SOCK_STREAM with SOCK_CLOEXEC.</summary>
    public const int StreamSocket = 1 | 0x80000;

    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const uint EPOLLIN = 1;

    public const int SIGKILL = 9;
    public const int P_PID = 1;
    public const int P_PIDFD = 3;
    public const int WEXITED = 4;
    public const int WNOHANG = 1;

    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    public const int RLIMIT_DATA = 2;

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int pipe2(int* descriptors, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int socketpair(int domain, int type, int protocol, int* descriptors);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchown(int descriptor, int user, int group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chown(string path, int user, int group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint read(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint write(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint pread(int descriptor, byte* buffer, nint length, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint pwrite(int descriptor, byte* buffer, nint length, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint lseek(int descriptor, nint offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int epoll_ctl(int epoll, int operation, int descriptor, byte* change);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int epoll_wait(int epoll, byte* events, int maximum, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int pidfd_open(int process, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int pidfd_send_signal(int descriptor, int signal, nint info, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int waitid(int kind, int id, byte* info, int options);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int process, int signal);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int prlimit(int process, int resource, ulong* limits, ulong* previous);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int clock_gettime(int clock, long* time);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int flock(int descriptor, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int link(string existing, string created);

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc")]
    public static partial uint getegid();

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawn(int* process, byte* path, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawn_file_actions_addclosefrom_np(byte* actions, int from);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawnattr_setpgroup(byte* attributes, int group);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    public static unsafe partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    /// <summary>The message of the last error of this thread, with the call that failed.</summary>
    public static IOException Failed(string call)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} failed: {Marshal.GetPInvokeErrorMessage(error)} (errno {error}).");
    }
}

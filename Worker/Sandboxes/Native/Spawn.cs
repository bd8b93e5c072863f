using System.Runtime.InteropServices;
using System.Text;

namespace FaasCluster.Worker.Sandboxes.Native;

/// <summary>Starts a program with exactly the descriptors, environment and signal state that are asked for.</summary>
internal static class Spawn
{
    // POSIX_SPAWN_SETPGROUP (a Ctrl+C at the worker's terminal is for the worker alone), SETSIGDEF and SETSIGMASK
    // (.NET ignores SIGPIPE and blocks others; both survive exec and would break shell pipes in functions).
    private const short Flags = 0x02 | 0x04 | 0x08;

    // Larger than glibc's structures on every architecture: 80, 336 and 128 bytes on x86-64.
    private const int ActionsSize = 256;
    private const int AttributesSize = 512;
    private const int SignalSetSize = 128;

    /// <summary>Starts it with an empty environment and returns its process id.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments, the name first.</param>
    /// <param name="descriptors">What becomes descriptor 0, 1, 2 ...; everything above is closed.</param>
    public static unsafe int Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<int> descriptors)
    {
        byte* actions = stackalloc byte[ActionsSize];
        byte* attributes = stackalloc byte[AttributesSize];
        byte* none = stackalloc byte[SignalSetSize];
        byte* all = stackalloc byte[SignalSetSize];
        new Span<byte>(none, SignalSetSize).Clear();
        new Span<byte>(all, SignalSetSize).Fill(0xFF);
        Check(Libc.posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init");
        Check(Libc.posix_spawnattr_init(attributes), "posix_spawnattr_init");
        var strings = new List<nint>(arguments.Count + 1);
        try
        {
            Check(Libc.posix_spawnattr_setflags(attributes, Flags), "posix_spawnattr_setflags");
            Check(Libc.posix_spawnattr_setpgroup(attributes, 0), "posix_spawnattr_setpgroup");
            Check(Libc.posix_spawnattr_setsigmask(attributes, none), "posix_spawnattr_setsigmask");
            Check(Libc.posix_spawnattr_setsigdefault(attributes, all), "posix_spawnattr_setsigdefault");
            for (var i = 0; i < descriptors.Count; i++)
            {
                Check(Libc.posix_spawn_file_actions_adddup2(actions, descriptors[i], i), "posix_spawn_file_actions_adddup2");
            }

            Check(Libc.posix_spawn_file_actions_addclosefrom_np(actions, descriptors.Count), "posix_spawn_file_actions_addclosefrom_np");

            var argv = stackalloc byte*[arguments.Count + 1];
            for (var i = 0; i < arguments.Count; i++)
            {
                argv[i] = Text(arguments[i], strings);
            }

            argv[arguments.Count] = null;
            byte* environment = null;
            int process;
            Check(Libc.posix_spawn(&process, Text(path, strings), actions, attributes, argv, &environment), $"posix_spawn of '{path}'");
            return process;
        }
        finally
        {
            foreach (var text in strings)
            {
                Marshal.FreeHGlobal(text);
            }

            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Takes back a start that nobody can watch: kills the process with its group and waits until it is gone.</summary>
    public static unsafe void KillAndReap(int process)
    {
        _ = Libc.kill(-process, Libc.SIGKILL);
        var info = stackalloc int[32];
        while (Libc.waitid(Libc.P_PID, process, (byte*)info, Libc.WEXITED) < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR)
        {
        }
    }

    private static unsafe byte* Text(string text, List<nint> strings)
    {
        if (text.Contains('\0'))
        {
            throw new ArgumentException($"'{text.Replace('\0', '?')}' holds a NUL; expected an argument of a program.");
        }

        var length = Encoding.UTF8.GetByteCount(text);
        var memory = Marshal.AllocHGlobal(length + 1);
        strings.Add(memory);
        var bytes = new Span<byte>((byte*)memory, length + 1);
        Encoding.UTF8.GetBytes(text, bytes);
        bytes[length] = 0;
        return (byte*)memory;
    }

    private static void Check(int error, string call)
    {
        if (error != 0)
        {
            throw new IOException($"{call} failed: {Marshal.GetPInvokeErrorMessage(error)} (errno {error}).");
        }
    }
}

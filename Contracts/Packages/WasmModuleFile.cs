using System.Text;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Packages;

/// <summary>
/// Looks at a WebAssembly module without running or compiling it: whether it is a WASI preview 1 command. A stranger made it; what is
/// not looked at here, the compiler checks.
/// </summary>
public static class WasmModuleFile
{
    /// <summary>The largest module.</summary>
    public const int MostBytes = 32 << 20;

    /// <summary>The module that all imports must come from.</summary>
    public const string WasiModule = "wasi_snapshot_preview1";

    private const int MostNamed = 5;
    private const string HowToBuild = "build it for the target wasm32-wasip1 (wasm32-wasi in older toolchains)";

    private static readonly HashSet<string> Wasi =
    [
        "args_get", "args_sizes_get", "environ_get", "environ_sizes_get", "clock_res_get", "clock_time_get", "fd_advise", "fd_allocate", "fd_close", "fd_datasync",
        "fd_fdstat_get", "fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread", "fd_prestat_get",
        "fd_prestat_dir_name", "fd_pwrite", "fd_read", "fd_readdir", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write", "path_create_directory", "path_filestat_get",
        "path_filestat_set_times", "path_link", "path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink", "path_unlink_file", "poll_oneoff",
        "proc_exit", "proc_raise", "random_get", "sched_yield", "sock_accept", "sock_recv", "sock_send", "sock_shutdown",
    ];

    /// <summary>The functions that a module may import.</summary>
    public static IReadOnlyCollection<string> WasiFunctions => Wasi;

    /// <summary>What to say of a module with more than <see cref="MostBytes"/>.</summary>
    public static string TooLarge(string name) => $"'{name}' has more than {MostBytes >> 20} MB; make it smaller, for example with wasm-opt -Oz or wasm-strip.";

    /// <summary>What is wrong with a module and what to do; null if nothing is.</summary>
    /// <param name="name">Its file's name.</param>
    /// <param name="bytes">Its contents.</param>
    /// <param name="memoryBytes">The function's memory.</param>
    public static string? FindProblem(string name, ReadOnlySpan<byte> bytes, long memoryBytes)
    {
        if (!bytes.StartsWith("\0asm"u8) || bytes.Length < 8)
        {
            return $"'{name}' is no WebAssembly module: it does not begin with \\0asm. {(bytes.StartsWith("(module"u8) ? "It is text: translate it with wat2wasm." : $"Compile your program with a compiler for WebAssembly; {HowToBuild}.")}";
        }

        if (bytes[4..8] is [_, _, 1, 0])
        {
            return $"'{name}' is a WebAssembly component (WASI preview 2); only core modules can be run: {HowToBuild}.";
        }

        if (bytes[4..8] is not [1, 0, 0, 0])
        {
            return $"'{name}' is a WebAssembly module of version {bytes[4]}; expected version 1.";
        }

        try
        {
            var module = Read(bytes[8..]);
            return Check(name, module, memoryBytes);
        }
        catch (InvalidDataException)
        {
            return $"'{name}' is a damaged WebAssembly module: it ends too early. Build or copy it again.";
        }
    }

    private static string? Check(string name, Contents module, long memoryBytes)
    {
        if (module.Unknown.Count > 0)
        {
            var more = module.UnknownCount > module.Unknown.Count ? $" and {module.UnknownCount - module.Unknown.Count} more" : "";
            return $"'{name}' imports {string.Join(", ", module.Unknown.Select(import => $"'{ManifestReader.Shorten(import)}'"))}{more}, which nobody provides; a module may import functions of {WasiModule} alone: {HowToBuild}.";
        }

        if (!module.HasStart)
        {
            return module.IsReactor
                ? $"'{name}' is a library (a WASI reactor), which exports no function '_start'; build a program with a main function."
                : $"'{name}' exports no function '_start', which runs a program's main function; {HowToBuild}.";
        }

        if (!module.HasMemory)
        {
            return $"'{name}' does not export its memory as 'memory', as WASI asks for; {HowToBuild}.";
        }

        return module.MemoryPages * 65_536m > memoryBytes
            ? $"'{name}' begins with {module.MemoryPages / 16} MB of memory; the function has {memoryBytes >> 20} MB: raise 'memory' in its manifest."
            : null;
    }

    private static Contents Read(ReadOnlySpan<byte> bytes)
    {
        var contents = new Contents();
        while (bytes.Length > 0)
        {
            var id = bytes[0];
            bytes = bytes[1..];
            var section = Take(ref bytes, Number(ref bytes));
            switch (id)
            {
                case 2:
                    ReadImports(section, contents);
                    break;
                case 5 when Number(ref section) > 0:
                    // Flags: has a maximum, is shared, has 64-bit addresses; the latter two are refused by the compiler.
                    Number(ref section);
                    contents.MemoryPages = Number(ref section);
                    break;
                case 7:
                    ReadExports(section, contents);
                    break;
            }
        }

        return contents;
    }

    private static void ReadImports(ReadOnlySpan<byte> section, Contents contents)
    {
        for (var count = Number(ref section); count > 0; count--)
        {
            var (module, name, kind) = (Text(ref section), Text(ref section), Take(ref section, 1)[0]);
            if (kind != 0 || module != WasiModule || !Wasi.Contains(name))
            {
                contents.UnknownCount++;
                if (contents.Unknown.Count < MostNamed)
                {
                    contents.Unknown.Add($"{module}.{name}");
                }
            }

            if (kind != 0)
            {
                // What describes memories, tables and globals is of several forms; one of them is enough to refuse the module.
                return;
            }

            Number(ref section);
        }
    }

    private static void ReadExports(ReadOnlySpan<byte> section, Contents contents)
    {
        for (var count = Number(ref section); count > 0; count--)
        {
            var (name, kind) = (Text(ref section), Take(ref section, 1)[0]);
            Number(ref section);
            contents.HasStart |= name == "_start" && kind == 0;
            contents.HasMemory |= name == "memory" && kind == 2;
            contents.IsReactor |= name == "_initialize" && kind == 0;
        }
    }

    private static string Text(ref ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(Take(ref bytes, Number(ref bytes)));

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> bytes, uint count)
    {
        if (count > bytes.Length)
        {
            throw new InvalidDataException();
        }

        var taken = bytes[..(int)count];
        bytes = bytes[(int)count..];
        return taken;
    }

    // LEB128.
    private static uint Number(ref ReadOnlySpan<byte> bytes)
    {
        var value = 0UL;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var next = Take(ref bytes, 1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value <= uint.MaxValue ? (uint)value : throw new InvalidDataException();
            }
        }

        throw new InvalidDataException();
    }

    private sealed class Contents
    {
        public List<string> Unknown { get; } = [];

        public int UnknownCount { get; set; }

        public bool HasStart { get; set; }

        public bool IsReactor { get; set; }

        public bool HasMemory { get; set; }

        public uint MemoryPages { get; set; }
    }
}

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>
/// What a module may import: WASI preview 1, all of it. Written here rather than taken from Wasmtime, whose own would know only files
/// and inherited descriptors for standard streams, and would sleep beyond the deadline.
/// </summary>
internal static class WasiFunctions
{
    /// <summary>The name of the module that they are imported from.</summary>
    public const string Module = "wasi_snapshot_preview1";

    // Names, and parameters as i (32 bits) and I (64 bits). All but proc_exit return an error number.
    private static readonly (string Name, string Parameters, WasiBody Body)[] Table =
    [
        ("args_get", "ii", WasiProcess.GetArguments),
        ("args_sizes_get", "ii", WasiProcess.GetArgumentSizes),
        ("environ_get", "ii", WasiProcess.GetEnvironment),
        ("environ_sizes_get", "ii", WasiProcess.GetEnvironmentSizes),
        ("clock_res_get", "ii", WasiProcess.GetResolution),
        ("clock_time_get", "iIi", WasiProcess.GetTime),
        ("fd_advise", "iIIi", WasiFiles.Check),
        ("fd_allocate", "iII", WasiFiles.Refuse),
        ("fd_close", "i", WasiFiles.Close),
        ("fd_datasync", "i", WasiFiles.Check),
        ("fd_fdstat_get", "ii", WasiFiles.GetDescriptorState),
        ("fd_fdstat_set_flags", "ii", WasiFiles.Check),
        ("fd_fdstat_set_rights", "iII", WasiFiles.Check),
        ("fd_filestat_get", "ii", WasiFiles.GetState),
        ("fd_filestat_set_size", "iI", WasiFiles.Refuse),
        ("fd_filestat_set_times", "iIIi", WasiFiles.Refuse),
        ("fd_pread", "iiiIi", WasiFiles.ReadAt),
        ("fd_prestat_get", "ii", WasiFiles.GetPreopened),
        ("fd_prestat_dir_name", "iii", WasiFiles.GetPreopenedName),
        ("fd_pwrite", "iiiIi", WasiFiles.Refuse),
        ("fd_read", "iiii", WasiFiles.Read),
        ("fd_readdir", "iiiIi", WasiFiles.ReadDirectory),
        ("fd_renumber", "ii", WasiFiles.Renumber),
        ("fd_seek", "iIii", WasiFiles.Seek),
        ("fd_sync", "i", WasiFiles.Check),
        ("fd_tell", "ii", WasiFiles.Tell),
        ("fd_write", "iiii", WasiFiles.Write),
        ("path_create_directory", "iii", WasiFiles.Refuse),
        ("path_filestat_get", "iiiii", WasiFiles.GetStateOfPath),
        ("path_filestat_set_times", "iiiiIIi", WasiFiles.Refuse),
        ("path_link", "iiiiiii", WasiFiles.Refuse),
        ("path_open", "iiiiiIIii", WasiFiles.Open),
        ("path_readlink", "iiiiii", WasiFiles.ReadLink),
        ("path_remove_directory", "iii", WasiFiles.Refuse),
        ("path_rename", "iiiiii", WasiFiles.Refuse),
        ("path_symlink", "iiiii", WasiFiles.Refuse),
        ("path_unlink_file", "iii", WasiFiles.Refuse),
        ("poll_oneoff", "iiii", WasiPoll.Poll),
        (Exit, "i", WasiProcess.Exit),
        ("proc_raise", "i", static (in _) => Errno.NotSupported),
        ("random_get", "ii", WasiProcess.GetRandom),
        ("sched_yield", "", static (in _) => Errno.Success),
        ("sock_accept", "iii", static (in _) => Errno.NotSocket),
        ("sock_recv", "iiiiii", static (in _) => Errno.NotSocket),
        ("sock_send", "iiiii", static (in _) => Errno.NotSocket),
        ("sock_shutdown", "ii", static (in _) => Errno.NotSocket),
    ];

    private const string Exit = "proc_exit";

    /// <summary>Names, parameters, and whether there is a result.</summary>
    public static IReadOnlyList<(string Name, string Parameters, bool HasResult)> All { get; } = [.. Table.Select(entry => (entry.Name, entry.Parameters, entry.Name != Exit))];

    /// <summary>Calls the one at an index of <see cref="All"/>.</summary>
    public static Errno Call(int index, in WasiCall call) => Table[index].Body(call);
}

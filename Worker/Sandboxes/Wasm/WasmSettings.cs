using System.Globalization;
using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// What modules are compiled with and for. Wasmtime refuses a compiled module whose settings are not the engine's, so there is one
/// list, for this process and for runtimes/wasm/compile.py.
/// </summary>
internal static class WasmSettings
{
    /// <summary>Stack of WebAssembly code in bytes. C and Rust keep their large objects on a stack of their own in linear memory.</summary>
    public const int StackBytes = 512 << 10;

    /// <summary>Wasmtime's names without "wasmtime_config_" and "_set", and values.</summary>
    public static readonly IReadOnlyList<KeyValuePair<string, ulong>> All =
    [
        new("epoch_interruption", 1),
        new("max_wasm_stack", StackBytes),

        // One memory, whose limit is the function's; no threads; nothing that allocates beside it (the garbage collector's heap).
        new("wasm_threads", 0),
        new("wasm_multi_memory", 0),
        new("wasm_memory64", 0),
        new("wasm_function_references", 0),
        new("wasm_gc", 0),
        new("wasm_exceptions", 0),
        new("gc_support", 0),

        // Compiling is limited by its sandbox; more threads would only be more of it.
        new("parallel_compilation", 0),
    ];

    /// <summary>As arguments: "name=value".</summary>
    public static IEnumerable<string> Arguments => All.Select(setting => string.Create(CultureInfo.InvariantCulture, $"{setting.Key}={setting.Value}"));

    /// <summary>A new configuration of Wasmtime.</summary>
    public static unsafe nint NewConfig()
    {
        var config = Native.Wasmtime.wasm_config_new();
        var library = NativeLibrary.Load(Native.Wasmtime.LibraryPath);
        foreach (var (name, value) in All)
        {
            var set = (delegate* unmanaged<nint, ulong, void>)NativeLibrary.GetExport(library, $"wasmtime_config_{name}_set");
            set(config, value);
        }

        return config;
    }
}

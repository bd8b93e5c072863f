using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Wasm.Native;

/// <summary>
/// Wasmtime's C interface, as far as it is used. The library is that of the package "Wasmtime"; the package's own classes have neither
/// an epoch callback nor instances linked beforehand, so they are not used.
/// </summary>
internal static unsafe partial class Wasmtime
{
    private const string Library = "wasmtime";

    static Wasmtime() => NativeLibrary.SetDllImportResolver(
        typeof(Wasmtime).Assembly,
        (name, _, _) => name == Library ? NativeLibrary.Load(LibraryPath) : 0);

    /// <summary>Beside the runtimes' halves, because modules are compiled in a sandbox, with the same library.</summary>
    public static string LibraryPath { get; } = Path.Combine(AppContext.BaseDirectory, "runtimes", "wasm", "libwasmtime.so");

    /// <summary>Whether this host can load the library.</summary>
    public static bool IsAvailable { get; } = File.Exists(LibraryPath) && NativeLibrary.TryLoad(LibraryPath, out _);

    /// <summary>Takes an error's text and deletes it; null if there is no error.</summary>
    public static string? TakeMessage(nint error)
    {
        if (error == 0)
        {
            return null;
        }

        ByteVector text;
        wasmtime_error_message(error, &text);
        wasmtime_error_delete(error);
        var message = Marshal.PtrToStringUTF8((nint)text.Data, (int)Math.Min(text.Size, 4096));
        wasm_byte_vec_delete(&text);
        return message;
    }

    /// <summary>A trap for a host function to end its caller with. Its text is never shown.</summary>
    public static nint NewTrap()
    {
        fixed (byte* text = "ended by the host"u8)
        {
            return wasmtime_trap_new(text, 17);
        }
    }

    /// <summary>An error for an epoch callback to end the run with. Its text is never shown.</summary>
    public static nint NewError()
    {
        fixed (byte* text = "ended by the host\0"u8)
        {
            return wasmtime_error_new(text);
        }
    }

    [LibraryImport(Library)]
    public static partial nint wasm_config_new();

    [LibraryImport(Library)]
    public static partial nint wasm_engine_new_with_config(nint config);

    [LibraryImport(Library)]
    public static partial void wasm_engine_delete(nint engine);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial void wasmtime_engine_increment_epoch(nint engine);

    [LibraryImport(Library)]
    public static partial nint wasm_valtype_new(byte kind);

    [LibraryImport(Library)]
    public static partial void wasm_valtype_vec_new(PointerVector* types, nuint count, nint* items);

    [LibraryImport(Library)]
    public static partial nint wasm_functype_new(PointerVector* parameters, PointerVector* results);

    [LibraryImport(Library)]
    public static partial void wasm_functype_delete(nint type);

    [LibraryImport(Library)]
    public static partial nint wasmtime_linker_new(nint engine);

    [LibraryImport(Library)]
    public static partial void wasmtime_linker_delete(nint linker);

    [LibraryImport(Library)]
    public static partial nint wasmtime_linker_define_func_unchecked(
        nint linker, byte* module, nuint moduleLength, byte* name, nuint nameLength, nint type, delegate* unmanaged<nint, nint, RawValue*, nuint, nint> callback, nint data, nint finalizer);

    [LibraryImport(Library)]
    public static partial nint wasmtime_linker_instantiate_pre(nint linker, nint module, nint* prepared);

    [LibraryImport(Library)]
    public static partial void wasmtime_instance_pre_delete(nint prepared);

    [LibraryImport(Library)]
    public static partial nint wasmtime_instance_pre_instantiate(nint prepared, nint context, Instance* instance, nint* trap);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool wasmtime_instance_export_get(nint context, Instance* instance, byte* name, nuint nameLength, Extern* item);

    [LibraryImport(Library)]
    public static partial nint wasmtime_module_deserialize(nint engine, byte* bytes, nuint length, nint* module);

    [LibraryImport(Library)]
    public static partial void wasmtime_module_delete(nint module);

    [LibraryImport(Library)]
    public static partial nint wasmtime_store_new(nint engine, nint data, nint finalizer);

    [LibraryImport(Library)]
    public static partial nint wasmtime_store_context(nint store);

    [LibraryImport(Library)]
    public static partial void wasmtime_store_limiter(nint store, long memorySize, long tableElements, long instances, long tables, long memories);

    [LibraryImport(Library)]
    public static partial void wasmtime_store_epoch_deadline_callback(nint store, delegate* unmanaged<nint, nint, ulong*, byte*, nint> callback, nint data, nint finalizer);

    [LibraryImport(Library)]
    public static partial void wasmtime_store_delete(nint store);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint wasmtime_context_get_data(nint context);

    [LibraryImport(Library)]
    public static partial void wasmtime_context_set_epoch_deadline(nint context, ulong ticksBeyondCurrent);

    [LibraryImport(Library)]
    public static partial nint wasmtime_func_call_unchecked(nint context, Function* function, RawValue* values, nuint count, nint* trap);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nint wasmtime_caller_context(nint caller);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool wasmtime_caller_export_get(nint caller, byte* name, nuint nameLength, Extern* item);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial byte* wasmtime_memory_data(nint context, Memory* memory);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial nuint wasmtime_memory_data_size(nint context, Memory* memory);

    [LibraryImport(Library)]
    public static partial nint wasmtime_trap_new(byte* message, nuint length);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool wasmtime_trap_code(nint trap, byte* code);

    [LibraryImport(Library)]
    public static partial void wasm_trap_trace(nint trap, PointerVector* frames);

    [LibraryImport(Library)]
    public static partial void wasm_trap_delete(nint trap);

    [LibraryImport(Library)]
    public static partial ByteVector* wasmtime_frame_func_name(nint frame);

    [LibraryImport(Library)]
    public static partial uint wasm_frame_func_index(nint frame);

    [LibraryImport(Library)]
    public static partial void wasm_frame_vec_delete(PointerVector* frames);

    [LibraryImport(Library)]
    public static partial nint wasmtime_error_new(byte* message);

    [LibraryImport(Library)]
    public static partial void wasmtime_error_message(nint error, ByteVector* message);

    [LibraryImport(Library)]
    public static partial void wasmtime_error_delete(nint error);

    [LibraryImport(Library)]
    public static partial void wasm_byte_vec_delete(ByteVector* bytes);
}

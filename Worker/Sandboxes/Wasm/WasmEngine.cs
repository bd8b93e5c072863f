using System.Text;
using FaasCluster.Worker.Sandboxes.Wasm.Native;
using FaasCluster.Worker.Sandboxes.Wasm.Wasi;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>Wasmtime's engine of one worker, with the functions that every module may import. Must outlive all runs.</summary>
internal sealed unsafe class WasmEngine : IDisposable
{
    /// <summary>How late a run may notice its timeout or cancellation, and how often it is asked for its CPU share.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly nint linker;
    private readonly EpochTicker ticker;

    /// <exception cref="IOException">Wasmtime does not work on this host.</exception>
    public WasmEngine()
    {
        Handle = Native.Wasmtime.wasm_engine_new_with_config(WasmSettings.NewConfig());
        if (Handle == 0)
        {
            throw new IOException("Wasmtime could not be started on this host.");
        }

        linker = Native.Wasmtime.wasmtime_linker_new(Handle);
        for (var i = 0; i < WasiFunctions.All.Count; i++)
        {
            Define(i);
        }

        ticker = new EpochTicker(Handle, Tick);
    }

    /// <summary>The engine.</summary>
    public nint Handle { get; }

    /// <summary>Makes machine code of <see cref="WasmCompiler"/>, and of nobody else, ready to run.</summary>
    /// <exception cref="WasmException">Wasmtime refuses it.</exception>
    public WasmModule Load(ReadOnlySpan<byte> code)
    {
        nint module = 0, prepared = 0;
        fixed (byte* bytes = code)
        {
            WasmException.ThrowIf(Native.Wasmtime.wasmtime_module_deserialize(Handle, bytes, (nuint)code.Length, &module));
        }

        try
        {
            WasmException.ThrowIf(Native.Wasmtime.wasmtime_linker_instantiate_pre(linker, module, &prepared));
            return new WasmModule(prepared, code.Length);
        }
        finally
        {
            // The prepared instance holds it.
            Native.Wasmtime.wasmtime_module_delete(module);
        }
    }

    /// <summary>Runs a prepared module in a store of its own, on this thread. How it ended stands in the run.</summary>
    public void Run(WasmModule module, WasmRun run)
    {
        using var ticking = ticker.Begin();
        run.Execute(Handle, module.Prepared);
    }

    public void Dispose()
    {
        ticker.Dispose();
        Native.Wasmtime.wasmtime_linker_delete(linker);
        Native.Wasmtime.wasm_engine_delete(Handle);
    }

    private void Define(int index)
    {
        var (name, parameters, hasResult) = WasiFunctions.All[index];
        var types = stackalloc nint[parameters.Length];
        for (var i = 0; i < parameters.Length; i++)
        {
            types[i] = Native.Wasmtime.wasm_valtype_new(parameters[i] == 'I' ? (byte)1 : (byte)0);
        }

        var result = hasResult ? Native.Wasmtime.wasm_valtype_new(0) : 0;
        var arguments = new PointerVector { Size = (nuint)parameters.Length, Data = types };
        var results = new PointerVector { Size = hasResult ? 1u : 0u, Data = &result };

        // Takes the types out of the vectors, which it frees as if Wasmtime had allocated them: so it must have.
        var type = NewType(arguments, results);
        fixed (byte* module = Encoding.UTF8.GetBytes(WasiFunctions.Module))
        fixed (byte* text = Encoding.UTF8.GetBytes(name))
        {
            WasmException.ThrowIf(Native.Wasmtime.wasmtime_linker_define_func_unchecked(
                linker, module, (nuint)WasiFunctions.Module.Length, text, (nuint)name.Length, type, &WasiDispatch.Call, index, 0));
        }

        Native.Wasmtime.wasm_functype_delete(type);
    }

    private static nint NewType(PointerVector arguments, PointerVector results)
    {
        PointerVector ownArguments, ownResults;
        Native.Wasmtime.wasm_valtype_vec_new(&ownArguments, arguments.Size, arguments.Data);
        Native.Wasmtime.wasm_valtype_vec_new(&ownResults, results.Size, results.Data);
        return Native.Wasmtime.wasm_functype_new(&ownArguments, &ownResults);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FaasCluster.Worker.Sandboxes.Wasm.Native;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>Where modules enter the worker.</summary>
internal static class WasiDispatch
{
    /// <summary>A wasmtime_func_unchecked_callback_t: null, or a trap that ends the run.</summary>
    [UnmanagedCallersOnly]
    public static unsafe nint Call(nint index, nint caller, RawValue* values, nuint count)
    {
        WasmRun? run = null;
        try
        {
            var context = Native.Wasmtime.wasmtime_caller_context(caller);
            run = Unsafe.As<WasmRun>(GCHandle.FromIntPtr(Native.Wasmtime.wasmtime_context_get_data(context)).Target!);
            var result = run.TryGetMemory(caller, context, out var memory) ? WasiFunctions.Call((int)index, new WasiCall(run, memory, values)) : Errno.Fault;
            if (run.End != WasmEnd.None)
            {
                return Native.Wasmtime.NewTrap();
            }

            if (count > 0)
            {
                values[0].I64 = (uint)result;
            }

            return 0;
        }
        catch (Exception exception)
        {
            // An exception must not pass through foreign frames.
            run?.Fail(exception);
            return Native.Wasmtime.NewTrap();
        }
    }
}

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>A compiled module, linked and ready to be instantiated by several threads at once.</summary>
internal sealed class WasmModule(nint prepared, long bytes) : IDisposable
{
    private nint handle = prepared;

    /// <summary>Its wasmtime_instance_pre_t.</summary>
    public nint Prepared => handle;

    /// <summary>Size of its code.</summary>
    public long Bytes => bytes;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref handle, 0) is not 0 and var prepared)
        {
            Native.Wasmtime.wasmtime_instance_pre_delete(prepared);
        }
    }
}

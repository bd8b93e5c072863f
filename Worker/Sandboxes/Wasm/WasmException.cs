namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>Wasmtime refused a module.</summary>
internal sealed class WasmException(string message) : Exception(message)
{
    /// <summary>Throws what Wasmtime says, if it says something.</summary>
    public static void ThrowIf(nint error)
    {
        if (Native.Wasmtime.TakeMessage(error) is { } message)
        {
            throw new WasmException(message);
        }
    }
}

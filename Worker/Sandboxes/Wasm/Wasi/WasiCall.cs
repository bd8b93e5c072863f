using FaasCluster.Worker.Sandboxes.Wasm.Native;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>One call of a host function by a module.</summary>
internal readonly unsafe ref struct WasiCall(WasmRun run, GuestMemory memory, RawValue* values)
{
    /// <summary>Whose.</summary>
    public WasmRun Run => run;

    /// <summary>Where its pointers point to.</summary>
    public GuestMemory Memory { get; } = memory;

    /// <summary>A 32-bit argument.</summary>
    public uint this[int index] => values[index].I32;

    /// <summary>A 64-bit argument.</summary>
    public ulong Long(int index) => values[index].I64;
}

/// <summary>A host function.</summary>
internal delegate Errno WasiBody(in WasiCall call);

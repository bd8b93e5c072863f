using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Wasm.Native;

/// <summary>wasmtime_val_raw_t: an argument or result; 16 bytes, little-endian.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct RawValue
{
    [FieldOffset(0)]
    public uint I32;

    [FieldOffset(0)]
    public ulong I64;
}

/// <summary>wasm_byte_vec_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ByteVector
{
    public nuint Size;
    public byte* Data;
}

/// <summary>Any wasm_..._vec_t of pointers.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PointerVector
{
    public nuint Size;
    public nint* Data;
}

/// <summary>wasmtime_instance_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Instance
{
    public ulong Store;
    public nuint Index;
}

/// <summary>wasmtime_func_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Function
{
    public ulong Store;
    public nint Pointer;
}

/// <summary>wasmtime_memory_t. The C structure nests the first two fields, which pads them to 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct Memory
{
    [FieldOffset(0)]
    public ulong Store;

    [FieldOffset(8)]
    public uint First;

    [FieldOffset(16)]
    public uint Second;
}

/// <summary>wasmtime_extern_t: a kind and a union of at most 24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct Extern
{
    public const byte FunctionKind = 0;
    public const byte MemoryKind = 3;

    [FieldOffset(0)]
    public byte Kind;

    [FieldOffset(8)]
    public Function Function;

    [FieldOffset(8)]
    public Memory Memory;
}

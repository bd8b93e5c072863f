using System.Buffers.Binary;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>A module's linear memory, every access checked. All addresses are the module's, so none can be trusted.</summary>
internal readonly unsafe ref struct GuestMemory(byte* start, nuint size)
{
    /// <summary>The bytes from an address on; false if they are not all there.</summary>
    public bool TryGet(uint address, uint length, out Span<byte> bytes)
    {
        if (address > size || length > size - address || length > int.MaxValue)
        {
            bytes = default;
            return false;
        }

        bytes = new Span<byte>(start + address, (int)length);
        return true;
    }

    public bool TryRead(uint address, out uint value)
    {
        var isThere = TryGet(address, 4, out var bytes);
        value = isThere ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        return isThere;
    }

    public bool TryWrite(uint address, uint value) => TryGet(address, 4, out var bytes) && BinaryPrimitives.TryWriteUInt32LittleEndian(bytes, value);

    public bool TryWrite(uint address, ulong value) => TryGet(address, 8, out var bytes) && BinaryPrimitives.TryWriteUInt64LittleEndian(bytes, value);
}

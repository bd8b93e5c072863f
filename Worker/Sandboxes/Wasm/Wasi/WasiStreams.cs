using System.Buffers.Binary;
using System.Text;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>Reading, writing and positions. One call moves at most so much, so that none takes long; programs are used to that.</summary>
internal static partial class WasiFiles
{
    private const uint MostBuffers = 1024;
    private const uint MostBytes = 1 << 20;
    private const long MostPosition = 1L << 60;

    public static Errno Read(in WasiCall call) => Transfer(call, null, call[3], isWrite: false);

    public static Errno ReadAt(in WasiCall call) => Transfer(call, call.Long(3), call[4], isWrite: false);

    public static Errno Write(in WasiCall call) => Transfer(call, null, call[3], isWrite: true);

    public static Errno Seek(in WasiCall call)
    {
        if (Position(call, out var file) is not Errno.Success and var error)
        {
            return error;
        }

        var origin = call[2] switch
        {
            0 => 0,
            1 => file!.Position,
            2 => file!.Entry!.Length,
            _ => -1,
        };
        var offset = (long)call.Long(1);
        if (origin < 0 || offset > MostPosition || offset < -MostPosition || origin + offset is < 0 or > MostPosition)
        {
            return Errno.Invalid;
        }

        file!.Position = origin + offset;
        return call.Memory.TryWrite(call[3], (ulong)file.Position) ? Errno.Success : Errno.Fault;
    }

    public static Errno Tell(in WasiCall call) =>
        Position(call, out var file) is not Errno.Success and var error ? error : call.Memory.TryWrite(call[1], (ulong)file!.Position) ? Errno.Success : Errno.Fault;

    public static Errno ReadDirectory(in WasiCall call)
    {
        if (call.Run.Descriptors.Find(call[0]) is not { } file)
        {
            return Errno.BadFile;
        }

        if (file.Entry is not { IsDirectory: true } directory)
        {
            return Errno.NotDirectory;
        }

        if (!call.Memory.TryGet(call[1], call[2], out var target))
        {
            return Errno.Fault;
        }

        // What does not fit is cut, which tells the caller that there is more; it asks again from the last whole entry on.
        var used = 0;
        for (var i = call.Long(3); i < (ulong)directory.Children.Count && used < target.Length; i++)
        {
            var child = directory.Children[(int)i];
            var name = Encoding.UTF8.GetBytes(child.Name);
            var entry = new byte[24 + name.Length];
            BinaryPrimitives.WriteUInt64LittleEndian(entry, i + 1);
            BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(8), child.Number);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(16), (uint)name.Length);
            entry[20] = TypeOf(child);
            name.CopyTo(entry, 24);
            var count = Math.Min(entry.Length, target.Length - used);
            entry.AsSpan(0, count).CopyTo(target[used..]);
            used += count;
        }

        return call.Memory.TryWrite(call[4], (uint)used) ? Errno.Success : Errno.Fault;
    }

    private static Errno Transfer(in WasiCall call, ulong? offset, uint resultAddress, bool isWrite)
    {
        var (buffers, count) = (call[1], call[2]);
        if (call.Run.Descriptors.Find(call[0]) is not { } file)
        {
            return Errno.BadFile;
        }

        if (file.Entry is { IsDirectory: true })
        {
            return Errno.IsDirectory;
        }

        if (isWrite ? file.Entry is not null || file.Stream == 0 : file.Entry is null && (file.Stream != 0 || offset is not null))
        {
            return file.Entry is not null ? Errno.ReadOnly : offset is null ? Errno.NotCapable : Errno.SeekOnPipe;
        }

        if (count > MostBuffers || offset > MostPosition)
        {
            return Errno.Invalid;
        }

        var total = 0u;
        for (var i = 0u; i < count && total < MostBytes && call.Run.End == WasmEnd.None; i++)
        {
            if (!call.Memory.TryRead(buffers + (i * 8), out var address) || !call.Memory.TryRead(buffers + (i * 8) + 4, out var length))
            {
                return Errno.Fault;
            }

            length = Math.Min(length, MostBytes - total);
            if (!call.Memory.TryGet(address, length, out var bytes))
            {
                return Errno.Fault;
            }

            var moved = isWrite ? WriteOnce(call, file.Stream, bytes)
                : file.Handle is null ? call.Run.Descriptors.ReadInput(bytes)
                : RandomAccess.Read(file.Handle, bytes, (long)(offset ?? (ulong)file.Position) + (offset is null ? 0 : total));
            if (file.Handle is not null && offset is null)
            {
                file.Position += moved;
            }

            total += (uint)moved;
            if (moved < bytes.Length)
            {
                break;
            }
        }

        return call.Memory.TryWrite(resultAddress, total) ? Errno.Success : Errno.Fault;
    }

    private static int WriteOnce(in WasiCall call, uint stream, ReadOnlySpan<byte> bytes)
    {
        call.Run.Descriptors.Write(stream, bytes);
        return bytes.Length;
    }

    private static Errno Position(in WasiCall call, out WasiDescriptors.OpenFile? file)
    {
        file = call.Run.Descriptors.Find(call[0]);
        return file is null ? Errno.BadFile : file.Entry is null ? Errno.SeekOnPipe : file.Entry.IsDirectory ? Errno.IsDirectory : Errno.Success;
    }
}

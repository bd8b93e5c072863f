using System.Buffers.Binary;
using System.Text;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>What concerns descriptors and paths: the package, read-only, and nothing else.</summary>
internal static partial class WasiFiles
{
    private const byte DirectoryType = 3;
    private const byte FileType = 4;
    private const uint MostPathBytes = 4096;

    private static readonly byte[] RootName = Encoding.UTF8.GetBytes(RootTree.TaskDirectory);

    /// <summary>Nothing to do for a descriptor that exists.</summary>
    public static Errno Check(in WasiCall call) => call.Run.Descriptors.Contains(call[0]) ? Errno.Success : Errno.BadFile;

    /// <summary>What would change something.</summary>
    public static Errno Refuse(in WasiCall call) => call.Run.Descriptors.Contains(call[0]) ? Errno.ReadOnly : Errno.BadFile;

    public static Errno Close(in WasiCall call) => call.Run.Descriptors.Close(call[0]) ? Errno.Success : Errno.BadFile;

    public static Errno Renumber(in WasiCall call) => call.Run.Descriptors.Renumber(call[0], call[1]) ? Errno.Success : Errno.BadFile;

    public static Errno GetPreopened(in WasiCall call) =>
        call[0] != WasiDescriptors.Root || !call.Run.Descriptors.Contains(WasiDescriptors.Root) ? Errno.BadFile
        : call.Memory.TryWrite(call[1], 0U) && call.Memory.TryWrite(call[1] + 4, (uint)RootName.Length) ? Errno.Success
        : Errno.Fault;

    public static Errno GetPreopenedName(in WasiCall call)
    {
        if (call[0] != WasiDescriptors.Root || !call.Run.Descriptors.Contains(WasiDescriptors.Root))
        {
            return Errno.BadFile;
        }

        if (call[2] < RootName.Length)
        {
            return Errno.Invalid;
        }

        if (!call.Memory.TryGet(call[1], (uint)RootName.Length, out var target))
        {
            return Errno.Fault;
        }

        RootName.CopyTo(target);
        return Errno.Success;
    }

    public static Errno Open(in WasiCall call)
    {
        const uint Create = 1, Directory = 2, Truncate = 8;
        var mayWrite = (call.Long(5) & (1UL << 6)) != 0;
        if (Find(call, call[0], call[2], call[3], out var entry) is not Errno.Success and var error)
        {
            return error == Errno.NoEntry && (call[4] & Create) != 0 ? Errno.ReadOnly : error;
        }

        if (entry!.IsDirectory && mayWrite)
        {
            return Errno.IsDirectory;
        }

        if (mayWrite || (call[4] & Truncate) != 0)
        {
            return Errno.ReadOnly;
        }

        if ((call[4] & Directory) != 0 && !entry.IsDirectory)
        {
            return Errno.NotDirectory;
        }

        var handle = entry.File is null ? null : System.IO.File.OpenHandle(entry.File);
        if (call.Run.Descriptors.Add(new WasiDescriptors.OpenFile(entry, handle)) is not { } number)
        {
            handle?.Dispose();
            return Errno.TooManyFiles;
        }

        return call.Memory.TryWrite(call[8], number) ? Errno.Success : Errno.Fault;
    }

    public static Errno ReadLink(in WasiCall call) => Find(call, call[0], call[1], call[2], out _) is not Errno.Success and var error ? error : Errno.Invalid;

    public static Errno GetStateOfPath(in WasiCall call) =>
        Find(call, call[0], call[2], call[3], out var entry) is not Errno.Success and var error ? error : PutState(call, call[4], entry);

    public static Errno GetState(in WasiCall call) =>
        call.Run.Descriptors.Find(call[0]) is { } file ? PutState(call, call[1], file.Entry) : Errno.BadFile;

    public static Errno GetDescriptorState(in WasiCall call)
    {
        if (call.Run.Descriptors.Find(call[0]) is not { } file)
        {
            return Errno.BadFile;
        }

        if (!call.Memory.TryGet(call[1], 24, out var state))
        {
            return Errno.Fault;
        }

        // A stream is of no type: as a character device it would be taken for a terminal, and written line by line.
        const ulong ReadRights = (1UL << 1) | (1UL << 2) | (1UL << 5) | (1UL << 7) | (1UL << 21) | (1UL << 27);
        const ulong DirectoryRights = (1UL << 13) | (1UL << 14) | (1UL << 15) | (1UL << 18) | (1UL << 21);

        // What may be asked for when a file is opened: a program that asks to write is refused then, and not when it writes.
        const ulong AllRights = (1UL << 29) - 1;
        state.Clear();
        state[0] = TypeOf(file.Entry);
        var rights = file.Entry is { IsDirectory: true } ? DirectoryRights
            : file.Entry is not null ? ReadRights
            : file.Stream == 0 ? (1UL << 1) | (1UL << 21) | (1UL << 27)
            : (1UL << 6) | (1UL << 21) | (1UL << 27);
        BinaryPrimitives.WriteUInt64LittleEndian(state[8..], rights);
        BinaryPrimitives.WriteUInt64LittleEndian(state[16..], file.Entry is { IsDirectory: true } ? AllRights : 0);
        return Errno.Success;
    }

    private static byte TypeOf(PackageTree.Entry? entry) => entry is null ? (byte)0 : entry.IsDirectory ? DirectoryType : FileType;

    private static Errno PutState(in WasiCall call, uint address, PackageTree.Entry? entry)
    {
        if (!call.Memory.TryGet(address, 64, out var state))
        {
            return Errno.Fault;
        }

        state.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(state[8..], entry?.Number ?? 0);
        state[16] = TypeOf(entry);
        BinaryPrimitives.WriteUInt64LittleEndian(state[24..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(state[32..], (ulong)(entry?.Length ?? 0));
        return Errno.Success;
    }

    private static Errno Find(in WasiCall call, uint descriptor, uint address, uint length, out PackageTree.Entry? entry)
    {
        entry = null;
        if (call.Run.Descriptors.Find(descriptor) is not { } directory)
        {
            return Errno.BadFile;
        }

        if (directory.Entry is not { IsDirectory: true } start)
        {
            return Errno.NotDirectory;
        }

        if (length > MostPathBytes || !call.Memory.TryGet(address, length, out var path))
        {
            return length > MostPathBytes ? Errno.Invalid : Errno.Fault;
        }

        entry = call.Run.Package.Find(start, path);
        return entry is null ? Errno.NoEntry : Errno.Success;
    }
}

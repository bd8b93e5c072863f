using System.Buffers.Binary;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>poll_oneoff: how programs sleep. Standard streams are always ready.</summary>
internal static class WasiPoll
{
    private const int SubscriptionBytes = 48;
    private const int EventBytes = 32;
    private const uint Most = 1024;
    private const byte Clock = 0;

    public static Errno Poll(in WasiCall call)
    {
        var (input, output, count) = (call[0], call[1], call[2]);
        if (count is 0 or > Most)
        {
            return Errno.Invalid;
        }

        if (!call.Memory.TryGet(input, count * SubscriptionBytes, out var subscriptions)
            || !call.Memory.TryGet(output, count * EventBytes, out var events))
        {
            return Errno.Fault;
        }

        // Copied, because the module may have its events written over its subscriptions.
        var asked = new Subscription[count];
        for (var i = 0; i < count; i++)
        {
            asked[i] = Read(call.Run, subscriptions.Slice(i * SubscriptionBytes, SubscriptionBytes));
        }

        var sleep = asked.Min(subscription => subscription.Left);
        call.Run.Wait(sleep);
        var written = 0;
        foreach (var subscription in asked.Where(subscription => subscription.Left <= sleep))
        {
            var target = events.Slice(written++ * EventBytes, EventBytes);
            target.Clear();
            BinaryPrimitives.WriteUInt64LittleEndian(target, subscription.UserData);
            BinaryPrimitives.WriteUInt16LittleEndian(target[8..], (ushort)subscription.Error);
            target[10] = subscription.Kind;
            BinaryPrimitives.WriteUInt64LittleEndian(target[16..], subscription.Kind == Clock ? 0UL : 1UL);
        }

        return call.Memory.TryWrite(call[3], (uint)written) ? Errno.Success : Errno.Fault;
    }

    private static Subscription Read(WasmRun run, ReadOnlySpan<byte> bytes)
    {
        var (user, kind, id) = (BinaryPrimitives.ReadUInt64LittleEndian(bytes), bytes[8], BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]));
        if (kind != Clock)
        {
            return new Subscription(user, kind, run.Descriptors.Contains(id) ? Errno.Success : Errno.BadFile, TimeSpan.Zero);
        }

        // Who waits for a clock of the CPU waits for ever.
        if (id > 1 || !WasiProcess.TryGetTime(run, id, out var now))
        {
            return new Subscription(user, kind, Errno.NotSupported, TimeSpan.Zero);
        }

        var time = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        var isAbsolute = (bytes[40] & 1) != 0;
        var left = !isAbsolute ? time : time > now ? time - now : 0;
        return new Subscription(user, kind, Errno.Success, TimeSpan.FromTicks((long)Math.Min((left / 100) + 1, (ulong)TimeSpan.FromDays(1).Ticks)));
    }

    private readonly record struct Subscription(ulong UserData, byte Kind, Errno Error, TimeSpan Left);
}

using System.Security.Cryptography;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>Arguments, environment, clocks, random numbers and the exit.</summary>
internal static class WasiProcess
{
    private const int RandomPiece = 64 << 10;

    public static Errno GetArguments(in WasiCall call) => PutStrings(call, call.Run.Arguments);

    public static Errno GetArgumentSizes(in WasiCall call) => PutSizes(call, call.Run.Arguments);

    public static Errno GetEnvironment(in WasiCall call) => PutStrings(call, call.Run.Environment);

    public static Errno GetEnvironmentSizes(in WasiCall call) => PutSizes(call, call.Run.Environment);

    public static Errno GetResolution(in WasiCall call) =>
        call[0] > 3 ? Errno.Invalid : call.Memory.TryWrite(call[1], call[0] == 0 ? 100UL : 1UL) ? Errno.Success : Errno.Fault;

    public static Errno GetTime(in WasiCall call) =>
        !TryGetTime(call.Run, call[0], out var time) ? Errno.Invalid : call.Memory.TryWrite(call[2], time) ? Errno.Success : Errno.Fault;

    /// <summary>A clock in nanoseconds. The monotonic one begins with the run: when the host was started is nobody's business.</summary>
    public static bool TryGetTime(WasmRun run, uint clock, out ulong nanoseconds)
    {
        nanoseconds = clock switch
        {
            0 => (ulong)(run.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100,
            1 => (ulong)run.Elapsed.Ticks * 100,
            2 or 3 => (ulong)run.CpuTimeSoFar.Ticks * 100,
            _ => 0,
        };
        return clock <= 3;
    }

    public static Errno GetRandom(in WasiCall call)
    {
        // In pieces: nothing but this loop could end a call that fills gigabytes.
        var (address, left) = (call[0], call[1]);
        while (left > 0 && call.Run.MayGoOn())
        {
            var piece = Math.Min(left, RandomPiece);
            if (!call.Memory.TryGet(address, piece, out var bytes))
            {
                return Errno.Fault;
            }

            RandomNumberGenerator.Fill(bytes);
            address += piece;
            left -= piece;
        }

        return Errno.Success;
    }

    public static Errno Exit(in WasiCall call)
    {
        call.Run.Exit(call[0]);
        return Errno.Success;
    }

    private static Errno PutSizes(in WasiCall call, IReadOnlyList<byte[]> strings) =>
        call.Memory.TryWrite(call[0], (uint)strings.Count) && call.Memory.TryWrite(call[1], (uint)strings.Sum(text => text.Length + 1)) ? Errno.Success : Errno.Fault;

    private static Errno PutStrings(in WasiCall call, IReadOnlyList<byte[]> strings)
    {
        var (pointer, address) = (call[0], call[1]);
        foreach (var text in strings)
        {
            if (!call.Memory.TryWrite(pointer, address) || !call.Memory.TryGet(address, (uint)text.Length + 1, out var bytes))
            {
                return Errno.Fault;
            }

            text.CopyTo(bytes);
            bytes[^1] = 0;
            pointer += 4;
            address += (uint)bytes.Length;
        }

        return Errno.Success;
    }
}

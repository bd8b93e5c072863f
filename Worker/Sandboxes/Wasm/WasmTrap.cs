using System.Globalization;
using System.Text;
using FaasCluster.Worker.Sandboxes.Wasm.Native;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>Why and where a module trapped.</summary>
/// <param name="Message">For people.</param>
/// <param name="StackTrace">The functions, innermost first, as their names stand in the module.</param>
internal sealed record WasmTrap(string Message, IReadOnlyList<string> StackTrace)
{
    private const int MostFrames = 20;
    private const int MostNameBytes = 200;

    private static readonly string[] Messages =
    [
        "call stack exhausted: the recursion is too deep",
        "out of bounds memory access",
        "misaligned atomic access",
        "out of bounds table access",
        "indirect call to null",
        "indirect call to a function of another type",
        "integer overflow",
        "integer divide by zero",
        "invalid conversion to integer",
        "unreachable code executed, which is how programs abort (assertion, panic, failed allocation)",
    ];

    /// <summary>Reads a trap and deletes it.</summary>
    public static unsafe WasmTrap Take(nint trap)
    {
        // Not its own text: that would demangle names, which the module's author chose.
        byte code;
        var message = !Native.Wasmtime.wasmtime_trap_code(trap, &code) ? "ended by the host"
            : code < Messages.Length ? Messages[code]
            : string.Create(CultureInfo.InvariantCulture, $"trap {code}");
        PointerVector frames;
        Native.Wasmtime.wasm_trap_trace(trap, &frames);
        var names = new List<string>();
        for (nuint i = 0; i < frames.Size && i < MostFrames; i++)
        {
            var name = Native.Wasmtime.wasmtime_frame_func_name(frames.Data[i]);
            names.Add(name is null
                ? string.Create(CultureInfo.InvariantCulture, $"function {Native.Wasmtime.wasm_frame_func_index(frames.Data[i])}")
                : Encoding.UTF8.GetString(name->Data, (int)Math.Min(name->Size, MostNameBytes)));
        }

        Native.Wasmtime.wasm_frame_vec_delete(&frames);
        Native.Wasmtime.wasm_trap_delete(trap);
        return new WasmTrap(message, names);
    }
}

using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>This thread's alternate stack for signal handlers.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe partial struct SignalStack
{
    private readonly nint start;
    private readonly int flags;
    private readonly nuint size;

    /// <summary>What it is now.</summary>
    public static SignalStack Save()
    {
        SignalStack stack = default;
        _ = sigaltstack(null, &stack);
        return stack;
    }

    /// <summary>Makes it that again.</summary>
    public readonly void Restore()
    {
        var stack = this;
        _ = sigaltstack(&stack, null);
    }

    [LibraryImport("libc")]
    private static partial int sigaltstack(SignalStack* stack, SignalStack* previous);
}

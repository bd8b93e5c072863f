using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>How a compilation ended. Exactly one of code and error is set.</summary>
internal sealed record Compilation
{
    /// <summary>Machine code as Wasmtime serializes it.</summary>
    public ReadOnlyMemory<byte>? Code { get; init; }

    /// <summary>Why there is none.</summary>
    public InvocationError? Error { get; init; }

    /// <summary>CPU used, where the kernel tells it.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>Peak memory, where the kernel tells it.</summary>
    public long? PeakMemoryBytes { get; init; }
}
